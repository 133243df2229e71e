/** Runs the load generator once: warm-up, a pause until the caller says go, the measured messages. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** In milliseconds. */
export interface Distribution {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** What the generator prints at its end. */
export interface LoadResult {
  readonly messages: number;
  readonly errors: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly rate: number;
  readonly dot: Distribution;
  readonly message: Distribution;
  readonly lastError: string;
}

/** What is sent: bytes of the content, header fields (default 5), Mbit/s of a paced client (default: as fast as it goes). */
export interface MessageShape {
  readonly bytes: number;
  readonly fields?: number;
  readonly pace?: number;
}

/** One run. Waits for `beforeGo` between warm-up and measurement. Throws when the generator prints no result. */
export async function runLoad(
  command: readonly string[],
  load: MessageShape & {
    readonly port: number;
    readonly sessions: number;
    readonly messages: number;
    readonly warmUp: number;
    readonly newConnections: boolean;
  },
  beforeGo: () => Promise<void>,
): Promise<LoadResult> {
  const [program = '', ...before] = command;
  const numbers = ['-s', load.sessions, '-m', load.messages, '-w', load.warmUp, '-l', load.bytes].map(String);
  const shape = [
    ...(load.fields === undefined ? [] : ['-f', String(load.fields)]),
    ...(load.pace === undefined ? [] : ['-r', String(load.pace)]),
  ];
  const args = [
    ...before,
    ...numbers,
    ...shape,
    '-g',
    ...(load.newConnections ? ['-c'] : []),
    String(load.port),
  ];
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  // Nothing a bench waits for takes as long as this.
  const limit = setTimeout(() => child.kill('SIGKILL'), 600_000);
  try {
    let result = '';
    for await (const line of createInterface(child.stdout)) {
      if (line === 'ready') {
        await beforeGo();
        child.stdin.write('\n');
      } else result = line;
    }
    if (result === '') throw new Error('the load generator printed no result');
    return JSON.parse(result) as LoadResult;
  } finally {
    clearTimeout(limit);
    child.kill('SIGKILL');
  }
}
