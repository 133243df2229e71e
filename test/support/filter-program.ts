/**
 * Filters of other people under test: where one listens, how it is started and how a gateway is told of it.
 *
 * A filter is ready when it accepts connections; one that ends before that fails the test with what it said. It ends with
 * the test. Programs in C are compiled from test/filters, once per test.
 */
import { join } from 'node:path';
import { ROOT, tempFolder, type Cleanup } from './folders.ts';
import type { Guest } from './house.ts';
import { freePort } from './ports.ts';
import { launch, program, run, type Launch, type Running } from './processes.ts';
import { accepts, until } from './wait.ts';

/** Where a filter listens: a loopback port, or the path of a unix socket. */
export type Place = number | string;

/** Both kinds of place, for tests that must hold over either. */
export const TRANSPORTS = ['tcp', 'unix'] as const;

/** A free place of a kind; a unix socket lies in a folder that is gone after the test. */
export async function freePlace(cleanup: Cleanup, transport: (typeof TRANSPORTS)[number]): Promise<Place> {
  return transport === 'tcp' ? freePort() : join(await tempFolder(cleanup, 'millrace-socket'), 'filter.sock');
}

/** As libmilter and most filters spell it. */
export function spelled(place: Place): string {
  return typeof place === 'number' ? `inet:${place}@127.0.0.1` : `unix:${place}`;
}

/** A filter at that place in a house's chain. */
export function guestAt(place: Place, more: Readonly<Record<string, unknown>> = {}): Guest {
  if (typeof place === 'number') return { port: place, more };
  return { more: { hostname: undefined, port: undefined, socket: place, name: 'unix', ...more } };
}

/** Starts a filter and waits until it accepts at its place. */
export async function startFilter(
  cleanup: Cleanup,
  command: string,
  args: readonly string[],
  place: Place,
  how: Launch = {},
): Promise<Running> {
  const filter = launch(command, program(command) ?? command, args, how);
  // libmilter looks every five seconds whether it was asked to stop, and these have nothing to save.
  cleanup.after(() => filter.end(0));
  await until(`${command} to listen at ${place}`, 30_000, () => {
    if (filter.ended) throw new Error(`${command} ended:\n${filter.output}`);
    return accepts(place);
  });
  return filter;
}

/** Compiles test/filters/NAME.c against libmilter; returns the program's path. Warnings are errors. */
export function compiled(cleanup: Cleanup, name: string): Promise<string> {
  return compile(cleanup, name, name, ['-lmilter', '-lpthread']);
}

/** Compiles test/filters/NAME.c as a library to be loaded before a program; returns its path. */
export function compiledLibrary(cleanup: Cleanup, name: string): Promise<string> {
  return compile(cleanup, name, `${name}.so`, ['-shared', '-fPIC', '-ldl']);
}

async function compile(
  cleanup: Cleanup,
  name: string,
  made: string,
  more: readonly string[],
): Promise<string> {
  const path = join(await tempFolder(cleanup, 'millrace-filter'), made);
  const source = join(ROOT, 'test', 'filters', `${name}.c`);
  const { code, output } = await run('gcc', 'gcc', [
    '-O1',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-o',
    path,
    source,
    ...more,
  ]);
  if (code !== 0) throw new Error(`${name}.c does not compile:\n${output}`);
  return path;
}
