/**
 * Packages that only some configurations need. They are no dependencies, so other installations do
 * not have them. Code that needs one asks here first, and the error names the package to install.
 */
import { createRequire } from 'node:module';

/** A package is not installed. The message names the command that installs it. */
export class MissingPackageError extends Error {
  override readonly name = 'MissingPackageError';
}

/** A package, and the releases that were tried with every Node.js that Fanfare runs on. */
export interface OptionalPackage {
  readonly name: string;
  /** As npm takes it after `@`. */
  readonly release: string;
}

const require = createRequire(import.meta.url);

/**
 * Looks whether all are installed, and loads none.
 * @throws MissingPackageError with the command that installs them.
 */
export function requirePackages(purpose: string, packages: readonly OptionalPackage[]): void {
  const missing = packages.filter(({ name }) => !isInstalled(name)).map(({ name }) => name);
  if (missing.length === 0) return;
  const install = packages.map(({ name, release }) => `${name}@${release}`).join(' ');
  throw new MissingPackageError(
    `${purpose} requires ${missing.join(' and ')}, which ${missing.length === 1 ? 'is' : 'are'} not installed with Fanfare. Run: npm install ${install}`,
  );
}

function isInstalled(name: string): boolean {
  try {
    require.resolve(name);
    return true;
  } catch {
    return false;
  }
}
