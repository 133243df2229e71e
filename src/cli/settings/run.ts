/** What `millrace config diff | reload | history | rollback` and `millrace support` do, with a running gateway. */
import { readFileSync } from 'node:fs';
import type { VersionLine } from '#gateway';
import { fileFrom } from '../config-file.ts';
import { atApi, type ReachOptions } from '../queue/reach.ts';
import { EXIT, type Terminal } from '../terminal.ts';

const PATH = '/api/v1/config';

/** A version as the API tells it. */
type Line = Omit<VersionLine, 'at'> & { readonly at: string };

/** Prints what the file would change; says what is wrong with it. */
export function runDiff(file: string, options: ReachOptions, terminal: Terminal): Promise<number> {
  return atApi(options, terminal, async ({ send }) => {
    let text: string;
    try {
      text = readFileSync(fileFrom(file, terminal), 'utf8');
    } catch (error) {
      terminal.error((error as Error).message, file, 'name the file of the new configuration');
      return EXIT.usage;
    }
    const { diff } = await send<{ diff: string }>('POST', `${PATH}/diff`, { text });
    if (diff !== '') await terminal.result(diff.trimEnd());
    return EXIT.ok;
  });
}

/** Lets the gateway read its file again; says why it did not take it over. */
export function runReload(options: ReachOptions, terminal: Terminal): Promise<number> {
  return atApi(options, terminal, async ({ send }) => {
    const { trouble } = await send<{ trouble: string }>('POST', `${PATH}/reload`, {});
    if (trouble === '') return EXIT.ok;
    terminal.error(trouble, 'the configuration', 'the gateway goes on with the old one: correct the file');
    return EXIT.configuration;
  });
}

/** Lists what was in force. */
export function runHistory(
  options: ReachOptions & { readonly json?: boolean },
  terminal: Terminal,
): Promise<number> {
  return atApi(options, terminal, async ({ send }) => {
    for (const line of await send<readonly Line[]>('GET', `${PATH}/history`)) {
      const { revision, at, by, summary } = line;
      await terminal.result(
        options.json ? JSON.stringify(line) : `${revision.slice(0, 12)}  ${at}  ${by || '-'}  ${summary}`,
      );
    }
    return EXIT.ok;
  });
}

/** Prints the support bundle. */
export function runSupport(options: ReachOptions, terminal: Terminal): Promise<number> {
  return atApi(options, terminal, async ({ send }) => {
    await terminal.result(JSON.stringify(await send<unknown>('GET', '/api/v1/support-bundle'), null, 2));
    return EXIT.ok;
  });
}

/** Goes back; prints what that changed. */
export function runRollback(revision: string, options: ReachOptions, terminal: Terminal): Promise<number> {
  return atApi(options, terminal, async ({ send }) => {
    const { diff } = await send<{ diff: string }>('POST', `${PATH}/rollback`, { revision });
    if (diff !== '') await terminal.result(diff.trimEnd());
    return EXIT.ok;
  });
}
