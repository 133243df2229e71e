/** Says which Debian packages a scenario lacks. */
import { program } from '../../test/support/processes.ts';

/** Throws naming the packages of the programs that are not there; `wanted` is program to package. */
export function mustHave(wanted: Readonly<Record<string, string>>): void {
  const absent = Object.entries(wanted).filter(([name]) => program(name) === undefined);
  if (absent.length > 0)
    throw new Error(
      `not installed: ${absent.map(([, name]) => name).join(', ')} (scripts/debian-packages.sh as root installs them)`,
    );
}
