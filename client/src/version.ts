/** The version of this package, which requests name in `User-Agent` (`fanfare-client/…`), except in browsers. */
export const VERSION = '0.1.0';
