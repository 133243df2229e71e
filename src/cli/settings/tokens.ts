/** What `millrace token create | list | revoke` do, with a running gateway. */
import type { ReachOptions } from '../queue/reach.ts';
import { EXIT, type Terminal } from '../terminal.ts';
import { atSettings } from './api.ts';

const PATH = '/api/v1/tokens';

/** A token as the API tells it. */
interface Line {
  readonly name: string;
  readonly scope: string;
  readonly created: string | null;
  readonly lastUsed: string | null;
}

type Options = ReachOptions & { readonly json?: boolean };

/** Makes one; its text is the result. */
export function runCreate(
  name: string,
  scope: string,
  options: Options,
  terminal: Terminal,
): Promise<number> {
  return atSettings(options, terminal, async (ask) => {
    const made = await ask<Line & { token: string }>('POST', PATH, { name, scope });
    await terminal.result(options.json ? JSON.stringify(made) : made.token);
    return EXIT.ok;
  });
}

/** Lists them. */
export function runList(options: Options, terminal: Terminal): Promise<number> {
  return atSettings(options, terminal, async (ask) => {
    for (const line of await ask<readonly Line[]>('GET', PATH))
      await terminal.result(options.json ? JSON.stringify(line) : rowOf(line));
    return EXIT.ok;
  });
}

function rowOf({ name, scope, created, lastUsed }: Line): string {
  const used = lastUsed === null ? 'never used' : `used ${lastUsed}`;
  return `${name.padEnd(24)} ${scope.padEnd(8)} ${created ?? 'in the configuration'}  ${used}`;
}

/** Revokes one. */
export function runRevoke(name: string, options: Options, terminal: Terminal): Promise<number> {
  return atSettings(options, terminal, async (ask) => {
    await ask('DELETE', `${PATH}/${encodeURIComponent(name)}`);
    return EXIT.ok;
  });
}
