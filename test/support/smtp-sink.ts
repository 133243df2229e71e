/**
 * Postfix's smtp-sink as the next hop: takes everything, keeps nothing, counts. Cheap enough not to be what a bench measures.
 *
 * Needs Debian's postfix. Its running counters go to a file; `messages` reads the last of them.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import type { Cleanup } from './folders.ts';
import { program, Running } from './processes.ts';
import { accepts, until } from './wait.ts';

/** A counting next hop. */
export interface CountingSink {
  readonly port: number;
  readonly process: Running;
  /** Messages taken since the start. */
  messages(): number;
}

/** Starts smtp-sink on this loopback port; counters are written below `folder`. It ends with the test. */
export async function startSmtpSink(
  cleanup: Cleanup,
  port: number,
  folder: string,
  wrap: (command: readonly string[]) => readonly string[] = (command) => command,
): Promise<CountingSink> {
  const path = join(folder, `sink-${port}.count`);
  const counters = openSync(path, 'w');
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const sink = [program('smtp-sink') ?? 'smtp-sink', '-c', ...user, `127.0.0.1:${port}`, '1024'];
  const [command = '', ...args] = wrap(sink);
  const child = spawn(command, args, { stdio: ['ignore', counters, 'pipe'], detached: true });
  closeSync(counters);
  const process_ = new Running('smtp-sink', child);
  cleanup.after(() => process_.end());
  await until(`smtp-sink to listen on ${port}`, 10_000, () => {
    if (process_.ended) throw new Error(`smtp-sink ended: ${process_.output}`);
    return accepts(port);
  });
  return { port, process: process_, messages: () => lastCount(path) };
}

/** The counters are lines `sess=N quit=N mesg=N` that end in a carriage return; the last whole one counts. */
function lastCount(path: string): number {
  const file = openSync(path, 'r');
  try {
    const size = fstatSync(file).size;
    const tail = Buffer.alloc(Math.min(size, 512));
    readSync(file, tail, 0, tail.length, size - tail.length);
    const counts = [...tail.toString('latin1').matchAll(/mesg=\s*(\d+)\s*\r/g)];
    return Number(counts.at(-1)?.[1] ?? 0);
  } finally {
    closeSync(file);
  }
}
