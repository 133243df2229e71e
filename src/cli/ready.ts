/**
 * `millrace ready`: whether the gateway takes mail, for scripts and for HEALTHCHECK of containers.
 *
 * Asks the control socket of the configuration, or a URL; needs no token. 0: it takes mail. 5: it does not, or nobody answers;
 * with `--wait` only after that time.
 */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import type { Command } from 'commander';
import { parseDuration } from '#clock';
import { CONTROL_SOCKET } from '#gateway/config';
import { printable } from '#message';
import { EXIT, type Terminal } from './terminal.ts';

/** Milliseconds between two questions, and for one answer. */
const PAUSE = 250;
const SILENCE = 5000;
/** Longest answer that is read, in bytes. */
const MAX_ANSWER = 64 * 1024;

interface Options {
  readonly config?: string;
  readonly url?: string;
  readonly wait?: string;
}

/** Adds the command; it reports its exit code to `ends`. */
export function addReady(parent: Command, terminal: Terminal, ends: (code: number) => void): void {
  parent
    .command('ready')
    .description('tell whether the gateway takes mail: exit code 0 or 5')
    .option('-c, --config <file>', 'configuration file')
    .option('--url <url>', 'the HTTP API to ask (also MILLRACE_URL)')
    .option('--wait <duration>', 'wait so long until it does, such as 30s')
    .action(async (options: Options) => ends(await ready(options, terminal)));
}

async function ready(options: Options, terminal: Terminal): Promise<number> {
  const wait = options.wait === undefined ? 0 : parseDuration(options.wait);
  if (wait === null) {
    terminal.error(`${options.wait} is no duration`, '--wait', 'write 30s or 2m');
    return EXIT.usage;
  }
  const place = await placeOf(options, terminal);
  if (typeof place === 'number') return place;
  const end = performance.now() + wait;
  for (;;) {
    const why = await notReady(place);
    if (why === null) {
      await terminal.result('ready');
      return EXIT.ok;
    }
    if (performance.now() + PAUSE > end) {
      const where = 'socket' in place ? place.socket : place.url.origin;
      terminal.error(why, where, 'look into the log of the gateway, or start it');
      return EXIT.unreachable;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

type Place = { readonly socket: string } | { readonly url: URL };

/** Where to ask; an exit code when that cannot be found out. */
async function placeOf({ url, config: named }: Options, terminal: Terminal): Promise<Place | number> {
  const text = url ?? terminal.machine.env['MILLRACE_URL'];
  if (text !== undefined) {
    if (URL.canParse(text) && /^https?:/i.test(text)) return { url: new URL('/readyz', text) };
    terminal.error(`${text} is no URL`, '--url', 'write it as http://127.0.0.1:8025');
    return EXIT.usage;
  }
  // Loaded only now: other commands need not load the spool.
  const { configOf } = await import('./queue/reach.ts');
  const config = configOf(named, terminal);
  return typeof config === 'number' ? config : { socket: join(config.stateDir, CONTROL_SOCKET) };
}

/** Why not, in one sentence; null: it is ready. */
function notReady(place: Place): Promise<string | null> {
  return new Promise((resolve) => {
    const common = { timeout: SILENCE, agent: false } as const;
    const made =
      'socket' in place
        ? httpRequest({ ...common, socketPath: place.socket, path: '/readyz' })
        : (place.url.protocol === 'https:' ? httpsRequest : httpRequest)(place.url, common);
    made.once('error', (error) => resolve(`the gateway cannot be reached: ${error.message}`));
    made.once('timeout', () => {
      resolve('the gateway does not answer in time');
      made.destroy();
    });
    made.once('response', (answer) => {
      if (answer.statusCode === 200) {
        answer.resume();
        return resolve(null);
      }
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (more: string) => {
        if (text.length < MAX_ANSWER) text += more;
      });
      answer.once('close', () => resolve(saidBy(text, answer.statusCode ?? 0)));
    });
    made.end();
  });
}

function saidBy(text: string, code: number): string {
  try {
    const { reasons } = JSON.parse(text) as { reasons?: unknown };
    if (Array.isArray(reasons) && reasons.length > 0)
      return `it is not ready: ${printable(reasons.map(String).join('; '), 500)}`;
  } catch {
    // Whatever answers there, it is no gateway.
  }
  return `the answer was ${code}`;
}
