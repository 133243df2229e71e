/**
 * The filter and the load generator of the bench: compiled from C where gcc (and, for the filter, libmilter) is installed,
 * else programs of our own in Node, which say so in the results because they take CPU from what is measured.
 */
import { mkdir } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../test/support/folders.ts';
import { program, run } from '../test/support/processes.ts';

/** What a no-op filter does apart from nothing. */
export interface FilterHabits {
  /** Milliseconds it sleeps at end of message. Default 0. */
  readonly sleepMs?: number;
  /** It takes only the right to add header fields, as a scanner does. Default: whatever is offered. */
  readonly onlyAdds?: boolean;
  /** It takes the no-reply flags, so that only end of message is answered (libmilter only). Default: every event is answered. */
  readonly noReply?: boolean;
}

/** Commands to run, and what they are, in words for the results. */
export interface Tools {
  readonly load: readonly string[];
  readonly loadKind: string;
  /** A no-op filter listening on this loopback port. */
  filter(port: number, habits?: FilterHabits): readonly string[];
  readonly filterKind: string;
  /** Whether filters can take the no-reply flags here. */
  readonly canNoReply: boolean;
}

/** Compiles what can be compiled into `folder`. Throws when a compiler that is there fails. */
export async function prepareTools(folder: string): Promise<Tools> {
  await mkdir(folder, { recursive: true });
  const compiler = program('gcc') ?? program('cc');
  const libmilter = existsSync('/usr/include/libmilter/mfapi.h');
  const load = compiler ? [await compile(compiler, folder, 'smtpload', [])] : inNode('node-load.ts');
  const filter =
    compiler && libmilter
      ? [await compile(compiler, folder, 'noop-filter', ['-lmilter', '-lpthread'])]
      : inNode('node-filter.ts');
  return {
    load,
    loadKind: compiler ? 'C, one thread for all sessions' : 'Node (no C compiler here)',
    filter: (port, { sleepMs = 0, onlyAdds = false, noReply = false } = {}) => [
      ...filter,
      ...(onlyAdds ? ['-a'] : []),
      ...(noReply ? ['-n'] : []),
      ...(sleepMs > 0 ? ['-t', String(sleepMs)] : []),
      `inet:${port}@127.0.0.1`,
    ],
    filterKind:
      compiler && libmilter
        ? 'libmilter in C, every callback, TCP'
        : 'our own in Node (no gcc or libmilter-dev here), every callback, TCP',
    canNoReply: compiler !== undefined && libmilter,
  };
}

async function compile(
  compiler: string,
  folder: string,
  name: string,
  libraries: readonly string[],
): Promise<string> {
  const target = join(folder, name);
  const source = join(ROOT, 'bench', 'c', `${name}.c`);
  const made = await run(`compile ${name}`, compiler, ['-O2', '-o', target, source, ...libraries]);
  if (made.code !== 0) throw new Error(`${name} did not compile:\n${made.output}`);
  return target;
}

function inNode(file: string): string[] {
  return [
    process.execPath,
    '--conditions=source',
    '--import',
    import.meta.resolve('tsx'),
    join(ROOT, 'bench', file),
  ];
}
