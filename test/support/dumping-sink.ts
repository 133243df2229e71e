/**
 * Postfix's smtp-sink as a witness: it takes everything and writes each message into a file before it answers the final dot.
 * What it took is read from the files when it is asked for.
 *
 * Needs Debian's postfix. It writes line feeds for line ends and a few lines of its own above the message; both are undone
 * here. It goes on running while the gateway is killed, so the files need no sync.
 */
import { chmod, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Cleanup } from './folders.ts';
import { launch, program } from './processes.ts';
import { accepts, until } from './wait.ts';

/** A message that smtp-sink took. */
export interface Dumped {
  readonly sender: string;
  readonly recipients: readonly string[];
  /** With the line ends that came; a byte string. */
  readonly content: string;
  /** When the file was last written, on performance.now()'s clock; it may be a few milliseconds early. */
  readonly at: number;
}

export interface DumpingSink {
  readonly port: number;
  /** Everything taken so far, in no order. */
  taken(): AsyncGenerator<Dumped>;
}

/** Starts smtp-sink on this loopback port, with its files in a new folder below `folder`. It ends with the test. */
export async function startDumpingSink(cleanup: Cleanup, port: number, folder: string): Promise<DumpingSink> {
  const dumps = join(folder, `sink-${port}`);
  await mkdir(dumps);
  await chmod(dumps, 0o777);
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const args = ['-m', '1000', ...user, '-d', join(dumps, '%M.'), `127.0.0.1:${port}`, '1024'];
  const sink = launch('smtp-sink', program('smtp-sink') ?? 'smtp-sink', args);
  cleanup.after(() => sink.end());
  await until(`smtp-sink to listen on ${port}`, 10_000, () => {
    if (sink.ended) throw new Error(`smtp-sink ended: ${sink.output}`);
    return accepts(port);
  });
  return { port, taken: () => readAll(dumps) };
}

/** A file of a message that is still coming has no blank last line; smtp-sink removes it when the client goes away. */
async function* readAll(dumps: string): AsyncGenerator<Dumped> {
  for (const name of await readdir(dumps)) {
    const path = join(dumps, name);
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'latin1'), stat(path)]);
    yield { ...parseDump(text), at: mtimeMs - performance.timeOrigin };
  }
}

/**
 * Its own lines are `X-Mail-Args: <sender> ...`, one `X-Rcpt-Args: <recipient> ...` for each recipient and others that begin
 * with `X-`; then comes the message, headed by a Received field. One line feed is added at the end.
 */
export function parseDump(text: string): Omit<Dumped, 'at'> {
  const start = text.indexOf('Received: ');
  const own = text.slice(0, start);
  const path = (line: string): string => /<([^>]*)>/.exec(line)?.[1] ?? '';
  const lines = own.split('\n');
  return {
    sender: path(lines.find((line) => line.startsWith('X-Mail-Args:')) ?? ''),
    recipients: lines.filter((line) => line.startsWith('X-Rcpt-Args:')).map(path),
    content: text.slice(start, -1).replaceAll('\n', '\r\n'),
  };
}
