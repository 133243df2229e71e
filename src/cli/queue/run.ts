/** What each queue command does with its options: checks them, goes to the right end, leaves the rest to read.ts and order.ts. */
import type { Order } from '#admin';
import type { Verb } from '#gateway';
import { parseDuration } from '#clock';
import { printable } from '#message';
import { EXIT, type Terminal } from '../terminal.ts';
import type { Options } from './commands.ts';
import { giveOrders, unclear, type OrderRequest } from './order.ts';
import { atQueue } from './reach.ts';
import { printEntry, printQueue, printShape, printStats, type Format } from './read.ts';

const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? (value as string[]) : []);
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** `list`. */
export function runList(options: Options, terminal: Terminal): Promise<number> {
  const state = text(options['state']);
  const where = [...(state === undefined ? [] : [`state=${state}`]), ...texts(options['where'])];
  const format = options['json'] === true ? 'json' : ((text(options['format']) ?? 'table') as Format);
  return atQueue(options, false, terminal, (end) => printQueue(end, where, format, terminal));
}

/** `show`. */
export function runShow(id: string, options: Options, terminal: Terminal): Promise<number> {
  const part = options['body'] === true ? 'message' : options['headers'] === true ? 'header' : 'facts';
  const json = options['json'] === true;
  return atQueue(options, false, terminal, (end) => printEntry(end, id, part, json, terminal));
}

/** `shape`. */
export function runShape(options: Options, terminal: Terminal): Promise<number> {
  const limit = text(options['limit']) ?? '20';
  if (!/^\d{1,6}$/.test(limit)) return usage(terminal, `${limit} is no number`, 'write --limit 20');
  const by = options['by'] === 'sender_domain' ? 'sender_domain' : 'rcpt_domain';
  return atQueue(options, false, terminal, async (end) =>
    printShape(
      await end.shape(texts(options['where']), by),
      Number(limit),
      options['json'] === true,
      terminal,
    ),
  );
}

/** `stats`. */
export function runStats(options: Options, terminal: Terminal): Promise<number> {
  return atQueue(options, false, terminal, async (end) =>
    printStats(await end.stats(texts(options['where'])), options['json'] === true, terminal),
  );
}

/** `retry`, `hold`, `release`, `bounce`, `delete`, `redirect`. */
export function runOrder(
  verb: Verb,
  ids: readonly string[],
  options: Options,
  heldOnly: boolean,
  terminal: Terminal,
): Promise<number> {
  const request: OrderRequest = {
    verb,
    ids,
    where: texts(options['where']),
    all: options['all'] === true,
    heldOnly,
    order: orderOf(options),
    dryRun: options['dryRun'] === true,
    yes: options['yes'] === true,
    json: options['json'] === true,
  };
  const what = unclear(request) ?? contradiction(options);
  if (what !== null) return usage(terminal, what, `see millrace queue ${verb} --help`);
  return atQueue(options, true, terminal, (end) => giveOrders(end, request, terminal));
}

function orderOf(options: Options): Order {
  const [reason, to] = [text(options['reason']), text(options['to'])];
  const [recipients, skip] = [texts(options['rcpt']), texts(options['skip'])];
  const filters = options['skipAll'] === true ? 'none' : options['again'] === true ? 'again' : undefined;
  return {
    ...(reason !== undefined && { reason }),
    ...(to !== undefined && { to }),
    ...(recipients.length > 0 && { recipients: [...recipients] }),
    ...(skip.length > 0 && { skip: [...skip] }),
    ...(filters && { filters }),
  };
}

function contradiction(options: Options): string | null {
  const asked = [options['again'], options['skipAll']].filter((o) => o === true).length;
  const skips = texts(options['skip']).length > 0 && options['skipAll'] === true;
  return asked > 1 || skips ? 'filters are either asked again or skipped' : null;
}

/** A name with a colon is a destination, any other one a domain. */
const kindOf = (name: string): 'destination' | 'domain' => (name.includes(':') ? 'destination' : 'domain');

/** `suspend`. */
export function runSuspend(name: string, options: Options, terminal: Terminal): Promise<number> {
  const [reason = '', time] = [text(options['reason']), text(options['for'])];
  const ms = time === undefined ? undefined : parseDuration(time);
  if (ms === null) return usage(terminal, `${time} is no duration`, 'write a duration such as 30m, 2h, 1d');
  return atQueue(options, true, terminal, async (end) => {
    const what = { kind: kindOf(name), name, reason, ...(ms !== undefined && { for: ms }) };
    const made = await end.suspend(what);
    const until = made.until === null ? 'until it is resumed' : `until ${made.until}`;
    const line = `${made.kind} ${printable(made.name, 254)} is suspended ${until}`;
    await terminal.result(options['json'] === true ? JSON.stringify(made) : line);
    return EXIT.ok;
  });
}

/** `resume`. */
export function runResume(name: string, options: Options, terminal: Terminal): Promise<number> {
  return atQueue(options, true, terminal, async (end) => {
    if (await end.resume({ kind: kindOf(name), name })) {
      await terminal.result(`${kindOf(name)} ${printable(name, 254)} is delivered to again`);
      return EXIT.ok;
    }
    terminal.error('it is not suspended', printable(name, 254), 'see millrace queue suspended');
    return EXIT.absent;
  });
}

/** `suspended`. */
export function runSuspended(options: Options, terminal: Terminal): Promise<number> {
  return atQueue(options, false, terminal, async (end) => {
    for (const one of await end.suspensions()) {
      const until = one.until === null ? 'until it is resumed' : `until ${one.until}`;
      const line = `${one.kind} ${one.name} since ${one.since} ${until} by ${one.by}: ${one.reason}`;
      await terminal.result(options['json'] === true ? JSON.stringify(one) : printable(line, 1200));
    }
    return EXIT.ok;
  });
}

function usage(terminal: Terminal, what: string, remedy: string): Promise<number> {
  terminal.error(what, 'command line', remedy);
  return Promise.resolve(EXIT.usage);
}
