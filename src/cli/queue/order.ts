/**
 * Queue commands that change something: what is meant is counted and asked about first where it cannot be undone, results are
 * written as they come.
 */
import type { Order } from '#admin';
import type { ActResult, Verb } from '#gateway';
import { EXIT, type Terminal } from '../terminal.ts';
import type { ManyOrders, QueueEnd } from './end.ts';
import { resultText } from './entries.ts';
import { ID } from './read.ts';

/** What is to be done to what. */
export interface OrderRequest {
  readonly verb: Verb;
  readonly ids: readonly string[];
  readonly where: readonly string[];
  readonly all: boolean;
  /** Only held entries may be meant. */
  readonly heldOnly: boolean;
  readonly order: Order;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

/** Orders that cannot be taken back. */
const FINAL: readonly Verb[] = ['bounce', 'delete', 'redirect'];

/** Ids in one request. */
const AT_ONCE = 1000;

/** Why a request says too little or too much; null when it is clear. */
export function unclear({ ids, where, all }: OrderRequest): string | null {
  const ways = [ids.length > 0, where.length > 0, all].filter(Boolean).length;
  if (ways === 0) return 'name ids, or --where, or --all';
  return ways > 1 ? 'name either ids, or --where, or --all' : null;
}

/** Gives the orders; the exit code. */
export async function giveOrders(end: QueueEnd, request: OrderRequest, terminal: Terminal): Promise<number> {
  const { verb, yes, dryRun, json } = request;
  let { ids, where } = request;
  if (ids.length === 0 && FINAL.includes(verb) && !yes && !dryRun) {
    const go = await confirmed(end, request, terminal);
    if (typeof go === 'number') return go;
    // What has come since is not what was counted.
    [ids, where] = [go, []];
  }
  const counts = { done: 0, absent: 0, other: 0 };
  for await (const result of results(end, { ...request, ids, where })) {
    if (result.result === 'done' || result.result === 'would') counts.done++;
    else if (result.result === 'absent') counts.absent++;
    else counts.other++;
    await terminal.result(json ? JSON.stringify(result) : resultText(result));
  }
  const { done, absent, other } = counts;
  if (done + absent + other === 0) terminal.say('nothing matches');
  else if (!json)
    terminal.say(`${verb}: ${done} of ${done + absent + other}${dryRun ? ' would be' : ''} done`);
  if (absent + other === 0) return EXIT.ok;
  if (done > 0) return EXIT.partly;
  return other === 0 ? EXIT.absent : EXIT.failed;
}

/** The request as what an end takes: held entries named by id are asked for one by one, so that no other one is meant. */
function* partsOf(
  { verb, ids, where, heldOnly, order }: OrderRequest,
  dryRun: boolean,
): Generator<ManyOrders> {
  const held = heldOnly ? ['state=held'] : [];
  if (ids.length === 0) yield { verb, where: [...held, ...where], order, dryRun };
  const named = [...new Set(ids)].filter((id) => ID.test(id));
  if (heldOnly) for (const id of named) yield { verb, where: [...held, `id=${id}`], order, dryRun };
  else
    for (let at = 0; at < named.length; at += AT_ONCE)
      yield { verb, ids: named.slice(at, at + AT_ONCE), order, dryRun };
}

async function* results(end: QueueEnd, request: OrderRequest): AsyncGenerator<ActResult> {
  const { ids, heldOnly, dryRun } = request;
  const seen = new Set<string>();
  for (const part of partsOf(request, dryRun))
    for await (const result of end.orders(part)) {
      seen.add(result.id);
      yield result;
    }
  const detail = heldOnly ? 'no such entry is held' : 'there is no such entry';
  for (const id of new Set(ids)) if (!seen.has(id)) yield { id, result: 'absent', detail };
}

/** Finds what would be done, and asks. The ids to go on with, or the exit code. */
async function confirmed(
  end: QueueEnd,
  request: OrderRequest,
  terminal: Terminal,
): Promise<readonly string[] | number> {
  const { stdin = process.stdin, stderr } = terminal.machine;
  if (stdin.isTTY !== true || stderr.isTTY !== true) {
    terminal.error(
      `${request.verb} cannot be taken back`,
      'command line',
      'add --yes, or look with --dry-run',
    );
    return EXIT.usage;
  }
  const found: string[] = [];
  for (const part of partsOf(request, true))
    for await (const { id, result } of end.orders(part)) if (result === 'would') found.push(id);
  if (found.length === 0) {
    terminal.say('nothing matches');
    return EXIT.ok;
  }
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: stdin, output: stderr });
  try {
    const messages = found.length === 1 ? '1 message' : `${found.length} messages`;
    const answer = await lines.question(`${request.verb} ${messages}? [y/N] `);
    if (/^y(es)?$/i.test(answer.trim())) return found;
  } finally {
    lines.close();
  }
  terminal.say('nothing was done');
  return EXIT.failed;
}
