/** Parts of the configuration that the command line needs without loading its table. */

/** Looked for in the working directory when no `--config` is given. */
export const CONFIG_FILE = 'fanfare.config.json';
/** Folder of the embedded PostgreSQL. */
export const DATA_DIR_DEFAULT = './data';
