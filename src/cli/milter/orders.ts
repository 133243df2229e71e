/** `milter list|pause|resume|reset` at a running gateway. */
import { parseDuration } from '#clock';
import type { MilterHealth } from '#gateway';
import { printable } from '#message';
import { EXIT, type Terminal } from '../terminal.ts';
import type { Api } from '../queue/api.ts';
import { atApi } from '../queue/reach.ts';

type Options = Readonly<Record<string, unknown>>;

/** Where a filter is in the API. */
const pathOf = (name: string, what: string): string => `/api/v1/milters/${encodeURIComponent(name)}/${what}`;

/** `list`. */
export function runList(options: Options, terminal: Terminal): Promise<number> {
  return atApi(options, terminal, async (api) => {
    const { milters } = await api.get<{ milters: MilterHealth[] }>('/api/v1/milter-health');
    if (options['json'] === true) {
      for (const health of milters) await terminal.result(JSON.stringify(health));
      return EXIT.ok;
    }
    if (milters.length === 0) terminal.say('no filter is configured');
    for (const health of milters) for (const line of linesOf(health)) await terminal.result(line);
    return EXIT.ok;
  });
}

/** A filter as people read it. */
function linesOf(health: MilterHealth): readonly string[] {
  const { name, says, version, actions, p50, p95, p99, messages, inFlight, idle } = health;
  const counts = (of: Readonly<Record<string, number>>): string =>
    Object.entries(of)
      .map(([kind, n]) => `${kind} ${n}`)
      .join(', ') || 'none';
  const agreed =
    version === 0 ? 'nothing negotiated yet' : `version ${version}, ${actions.join(' ') || 'no actions'}`;
  return [
    `${name}: ${says}`,
    `  ${agreed}; in flight ${inFlight}, kept ${idle}`,
    `  waits of ${messages} messages lately: p50 ${p50} ms, p95 ${p95} ms, p99 ${p99} ms`,
    `  answers: ${counts(health.answers)}; errors: ${counts(health.errors)}`,
    ...(health.lastError === '' ? [] : [`  last error ${health.lastErrorAt ?? ''}: ${health.lastError}`]),
  ].map((line) => printable(line, 1000));
}

/** `pause`. */
export function runPause(name: string, options: Options, terminal: Terminal): Promise<number> {
  const time = options['for'] as string | undefined;
  const ms = time === undefined ? undefined : parseDuration(time);
  if (ms === null || ms === 0) {
    terminal.error(`${time} is no duration`, 'command line', 'write a duration such as 10m, 2h, 1d');
    return Promise.resolve(EXIT.usage);
  }
  const body = { reason: options['reason'], ...(ms !== undefined && { for: ms }) };
  return order(name, options, terminal, (api) => api.post(pathOf(name, 'pause'), body));
}

/** `resume`, `reset`. */
export function runVerb(
  verb: 'resume' | 'reset',
  name: string,
  options: Options,
  terminal: Terminal,
): Promise<number> {
  return order(name, options, terminal, (api) => api.post(pathOf(name, verb)));
}

function order(
  name: string,
  options: Options,
  terminal: Terminal,
  give: (api: Api) => Promise<MilterHealth | null>,
): Promise<number> {
  return atApi(options, terminal, async (api) => {
    const health = await give(api);
    if (health === null) {
      terminal.error(`there is no filter ${printable(name, 64)}`, 'milters', 'see millrace milter list');
      return EXIT.absent;
    }
    const line = printable(`${health.name}: ${health.says}`, 1000);
    await terminal.result(options['json'] === true ? JSON.stringify(health) : line);
    return EXIT.ok;
  });
}
