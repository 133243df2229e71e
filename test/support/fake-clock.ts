/**
 * A wall clock that jumps for the processes that are given it, by libfaketime; real time passes for them as it does, and nothing
 * of the machine is changed.
 */
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempFolder, type Cleanup } from './folders.ts';
import { skipWithoutFiles } from './processes.ts';

const LIBRARY = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/faketime/libfaketime.so.1`;

/** For node:test's `skip`. */
export const withoutFakeClock = skipWithoutFiles(LIBRARY);

/** One clock, for as many processes as are started with its environment. */
export interface FakeClock {
  readonly env: Readonly<Record<string, string>>;
  /** So far from the real time from now on: `+3600`, `+10d`, `-1d`. */
  readonly jump: (offset: string) => Promise<void>;
}

/** A clock that tells the real time until it jumps. */
export async function fakeClock(cleanup: Cleanup): Promise<FakeClock> {
  const control = join(await tempFolder(cleanup), 'clock');
  const jump = async (offset: string): Promise<void> => {
    await writeFile(`${control}.new`, `${offset}\n`);
    await rename(`${control}.new`, control);
  };
  await jump('+0');
  const env = {
    LD_PRELOAD: LIBRARY,
    FAKETIME_TIMESTAMP_FILE: control,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    FAKETIME_DONT_RESET: '1',
  };
  return { env, jump };
}
