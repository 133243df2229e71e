/** The API of a running gateway for commands about its settings: by the control socket of its configuration, or by a URL. */
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { CONTROL_SOCKET } from '#gateway/config';
import { EndError } from '../queue/end.ts';
import { configOf, isThere, placeOf, told, whoAmI, type ReachOptions } from '../queue/reach.ts';
import { answered, good, parsed, type Place } from '../queue/remote.ts';
import type { Terminal } from '../terminal.ts';

/** Asks a gateway; the answer, read as JSON (null where it has none). Rejects with EndError. */
export type Ask = <T>(method: string, path: string, body?: unknown) => Promise<T>;

/** Runs `work` with the API; the exit code. */
export async function atSettings(
  options: ReachOptions,
  terminal: Terminal,
  work: (ask: Ask) => Promise<number>,
): Promise<number> {
  let where = options.url ?? terminal.machine.env['MILLRACE_URL'] ?? '';
  try {
    let place: Place;
    if (where !== '') place = placeOf(where, options, terminal);
    else {
      const config = configOf(options.config, terminal);
      if (typeof config === 'number') return config;
      where = join(config.stateDir, CONTROL_SOCKET);
      if (!(await isThere(where))) throw new EndError('unreachable', 'no gateway runs on this configuration');
      place = { socket: where };
    }
    return await work(askOf(place, whoAmI(terminal)));
  } catch (error) {
    return told(error, where, terminal);
  }
}

function askOf(place: Place, who: string): Ask {
  return async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer: IncomingMessage = await good(await answered(place, who, method, path, body));
    if (answer.statusCode !== 204) return parsed<T>(answer);
    answer.resume();
    return null as T;
  };
}
