/** What `millrace token create | list | revoke` do, with a running gateway. */
import { atApi, type ReachOptions } from '../queue/reach.ts';
import { EXIT, type Terminal } from '../terminal.ts';

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
  return atApi(options, terminal, async ({ send }) => {
    const made = await send<Line & { token: string }>('POST', PATH, { name, scope });
    await terminal.result(options.json ? JSON.stringify(made) : made.token);
    return EXIT.ok;
  });
}

/** Lists them. */
export function runList(options: Options, terminal: Terminal): Promise<number> {
  return atApi(options, terminal, async ({ send }) => {
    for (const line of await send<readonly Line[]>('GET', PATH))
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
  return atApi(options, terminal, async ({ send }) => {
    await send('DELETE', `${PATH}/${encodeURIComponent(name)}`);
    return EXIT.ok;
  });
}
