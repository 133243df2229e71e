/** The API of a running gateway for commands that need one: by the control socket of its configuration, or by a URL with a token. */
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { CONTROL_SOCKET } from '#gateway/config';
import type { Terminal } from '../terminal.ts';
import { EndError } from '../queue/end.ts';
import { configOf, isThere, placeOf, told, whoAmI, type ReachOptions } from '../queue/reach.ts';
import { answered, good, isMissing, parsed, type Place } from '../queue/remote.ts';

/** A gateway that can be asked. Rejects with EndError; null: what was asked for is not there. */
export interface GatewayApi {
  get<T>(path: string): Promise<T | null>;
  post<T>(path: string, body?: unknown): Promise<T | null>;
}

/** Runs `work` with the API; the exit code. */
export async function atGateway(
  options: ReachOptions,
  terminal: Terminal,
  work: (api: GatewayApi) => Promise<number>,
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
    return await work(apiAt(place, whoAmI(terminal)));
  } catch (error) {
    return told(error, where, terminal);
  }
}

function apiAt(place: Place, who: string): GatewayApi {
  const whole = async <T>(answer: IncomingMessage): Promise<T | null> => {
    if (!isMissing(answer)) return parsed<T>(await good(answer));
    answer.resume();
    return null;
  };
  return {
    get: async (path) => whole(await answered(place, who, 'GET', path, undefined)),
    post: async (path, body) => whole(await answered(place, who, 'POST', path, body ?? {})),
  };
}
