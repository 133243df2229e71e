/**
 * Where a queue command works: at a URL, at the gateway that runs on this configuration, or at its spool when none runs.
 *
 * Looking at a spool on disk never asks the gateway: it costs mail nothing, and works when nobody answers. What goes wrong is
 * said here, once, and becomes an exit code.
 */
import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { CONTROL_SOCKET, loadConfig, type Config } from '#gateway/config';
import { CATALOGUE, type NoticeKind, type NoticeSink } from '#notices';
import { SpoolError } from '#spool';
import { chooseFile, fileFrom, loadOrSay } from '../config-file.ts';
import { EXIT, type Terminal } from '../terminal.ts';
import { apiAt, type Api } from './api.ts';
import { EndError, type QueueEnd } from './end.ts';
import { remoteEnd } from './remote.ts';

/** Options that all queue commands have. */
export interface ReachOptions {
  readonly config?: string;
  readonly url?: string;
  readonly tokenFile?: string;
}

/** Runs `work` at the right end and closes it; the exit code. `write`: orders are to be given. */
export async function atQueue(
  options: ReachOptions,
  write: boolean,
  terminal: Terminal,
  work: (end: QueueEnd) => Promise<number>,
): Promise<number> {
  let end: QueueEnd | null = null;
  let where = options.url ?? terminal.machine.env['MILLRACE_URL'] ?? 'the queue';
  try {
    if (where !== 'the queue') end = remoteEnd(placeOf(where, options, terminal), whoAmI(terminal));
    else {
      const config = configOf(options.config, terminal);
      if (typeof config === 'number') return config;
      where = config.spool.engine === 'lmdb' ? config.spool.dir : config.stateDir;
      end = await endOf(config, write, terminal);
    }
    return await work(end);
  } catch (error) {
    return told(error, where, terminal);
  } finally {
    await end?.close();
  }
}

/**
 * Runs `work` with the API of a gateway that runs: at a URL, or by the control socket of this configuration; the exit code.
 * For what only a running gateway knows.
 */
export async function atApi(
  options: ReachOptions,
  terminal: Terminal,
  work: (api: Api) => Promise<number>,
): Promise<number> {
  let where = options.url ?? terminal.machine.env['MILLRACE_URL'] ?? '';
  try {
    if (where !== '') return await work(apiAt(placeOf(where, options, terminal), whoAmI(terminal)));
    where = 'the gateway';
    const config = configOf(options.config, terminal);
    if (typeof config === 'number') return config;
    where = join(config.stateDir, CONTROL_SOCKET);
    if (!(await isThere(where))) throw new EndError('unreachable', 'no gateway runs here');
    return await work(apiAt({ socket: where }, whoAmI(terminal)));
  } catch (error) {
    return told(error, where, terminal);
  }
}

async function endOf(config: Config, write: boolean, terminal: Terminal): Promise<QueueEnd> {
  const who = whoAmI(terminal);
  const inMemory = config.spool.engine === 'memory';
  const socket = join(config.stateDir, CONTROL_SOCKET);
  if ((write || inMemory) && (await isThere(socket))) return remoteEnd({ socket }, who);
  if (inMemory)
    throw new EndError('unreachable', 'a spool in memory is gone with its gateway, and none runs');
  // Loaded only now: whoever only looks need not load the whole gateway.
  const { localReader } = await import('./local.ts');
  if (!write) return localReader(config, sayTo(terminal));
  const { localDesk } = await import('./local-desk.ts');
  return localDesk(config, who, sayTo(terminal));
}

/** Whether somebody listens. Rejects when it may not be asked. */
export function isThere(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (['ENOENT', 'ECONNREFUSED', 'ENOTSOCK', 'EINVAL'].includes(error.code ?? '')) resolve(false);
      else reject(new EndError('unreachable', `${path}: ${error.message}`, { cause: error }));
    });
  });
}

/** The API at a URL, with its token. */
export function placeOf(text: string, { tokenFile }: ReachOptions, terminal: Terminal) {
  if (!URL.canParse(text) || !/^https?:/i.test(text))
    throw new EndError('request_refused', `${text} is no URL such as http://127.0.0.1:8025`);
  const url = new URL(text);
  const { env } = terminal.machine;
  if (tokenFile === undefined) return { url, token: env['MILLRACE_TOKEN'] ?? '' };
  try {
    return { url, token: readFileSync(fileFrom(tokenFile, terminal), 'latin1').trim() };
  } catch (error) {
    throw new EndError('request_refused', (error as Error).message, { cause: error });
  }
}

/** The name that orders are given under. */
export function whoAmI(terminal: Terminal): string {
  try {
    return userInfo().username;
  } catch {
    return terminal.machine.env['USER'] ?? String(process.getuid?.() ?? 'unknown');
  }
}

/** Says what the spool has to complain of. */
function sayTo(terminal: Terminal): NoticeSink {
  return (name, fields) => {
    const { level, says } = CATALOGUE[name] as NoticeKind;
    if (level === 'warn' || level === 'error') terminal.say(`${level}: ${says} ${JSON.stringify(fields)}`);
  };
}

const REMEDY: Readonly<Record<EndError['code'], string>> = {
  unreachable: 'start the gateway, or name another configuration with -c or another place with --url',
  token_refused: 'set MILLRACE_TOKEN, or name the file of the token with --token-file',
  request_refused: 'see the help of the command',
  request_failed: 'look into the log of the gateway',
};

/** Says what went wrong; the exit code. */
export function told(error: unknown, where: string, terminal: Terminal): number {
  if (error instanceof EndError) {
    terminal.error(error.message, where, REMEDY[error.code]);
    if (error.code === 'request_refused') return EXIT.usage;
    return error.code === 'request_failed' ? EXIT.failed : EXIT.unreachable;
  }
  if (!(error instanceof SpoolError)) throw error;
  const { message, cause } = error;
  const why = cause instanceof Error ? `${message}: ${cause.message}` : message;
  const taken = message.includes('another process');
  const remedy = taken
    ? 'the gateway runs and its control socket does not answer: try again, or end it first'
    : 'check that this user may read the files there and write to its lock file';
  terminal.error(why, where, remedy);
  return taken ? EXIT.unreachable : EXIT.failed;
}

/** The named or usual configuration; the starter's when there is none, as `serve` does. */
export function configOf(named: string | undefined, terminal: Terminal): Config | typeof EXIT.configuration {
  const file = chooseFile(named, terminal);
  if (file !== null) return loadOrSay(file, terminal);
  const bare = loadConfig({ text: '', name: 'defaults', base: terminal.machine.cwd }, { env: {} });
  if (!bare.ok) throw new Error('the defaults do not load');
  return bare.config;
}
