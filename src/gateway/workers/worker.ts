/**
 * One worker: a gateway without signals of its own, that follows its supervisor's orders.
 *
 * What an operator's terminal or service manager sends to all processes of the group means the supervisor; a worker ignores
 * it. When the supervisor is gone the worker ends at once (node:cluster sees to that): nothing that was accepted is lost.
 */
import { diagnosticLine, loadConfig, type Config } from '#gateway/config';
import type { Attend } from '../attend.ts';
import { systemClock } from '../clock.ts';
import { Gateway, ReloadError, type Prepared } from '../gateway.ts';
import { openLog, type Log } from '../log.ts';
import { catchFaults, said } from '../signals.ts';
import { Colleagues } from './colleagues.ts';
import type { ConfigText, Order, Report } from './messages.ts';

/** Waits for orders and follows them until the last. Called once, by the program of the process. */
export function work(attend: Attend): void {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
  let life: Promise<Life | null> = Promise.resolve(null);
  process.on('message', (order: Order) => {
    if (order.order === 'start') life = begin(order, attend);
    else if (order.order === 'figures-of-all') colleagues.hear(order.id, order.snapshots);
    else if (order.order === 'reloaded') reloads.get(order.id)?.(order.trouble === '' ? null : order.trouble);
    else void life.then((begun) => begun && follow(begun, order));
  });
  report({ report: 'here' });
}

/** What the other workers counted. */
const colleagues = new Colleagues(systemClock, (id) => report({ report: 'ask-figures', id }));
/** Reloads that were asked for, by number: who waits for the answer. */
const reloads = new Map<number, (trouble: string | null) => void>();
let asked = 0;

/** Asks the supervisor to let all workers read the file again. When it is gone, so is this process. */
function askReload(): Promise<string | null> {
  const id = asked++;
  return new Promise((resolve) => {
    reloads.set(id, (trouble) => {
      reloads.delete(id);
      resolve(trouble);
    });
    report({ report: 'reload', id });
  });
}

interface Life {
  readonly gateway: Gateway;
  readonly log: Log;
  /** The doors for operators, where this worker delivers. */
  readonly attendance: Awaited<ReturnType<Attend>> | null;
  /** What was made ready and awaits its fate. */
  prepared: { readonly ready: Prepared; readonly config: Config } | null;
}

/** Starts the gateway; null when that fails, and the process ends. */
async function begin(
  { config: text, worker, delivers }: Order & { order: 'start' },
  attend: Attend,
): Promise<Life | null> {
  try {
    const config = loaded(text);
    const log = openLog(config.log, worker);
    const elsewhere = { tellDelivery: () => report({ report: 'accepted' }) };
    const gateway = await Gateway.start(config, {
      clock: systemClock,
      notices: log.notices,
      lines: log.lines,
      home: { file: text.file, reload: askReload },
      ...(delivers ? { others: () => colleagues.ask() } : elsewhere),
    });
    const { notices } = gateway;
    catchFaults(notices);
    const { office } = gateway;
    const attendance = office && (await attend(office, config, { clock: systemClock, notices }));
    report({ report: 'ready', addresses: [...gateway.addresses.values()].flat() });
    return { gateway, log, attendance, prepared: null };
  } catch (error) {
    report({ report: 'failed', reason: said(error) }, () => process.disconnect());
    return null;
  }
}

async function follow(life: Life, order: Order): Promise<void> {
  switch (order.order) {
    case 'wake':
      return life.gateway.wakeDelivery();
    case 'prepare':
    case 'commit':
    case 'cancel':
      report({ report: 'answer', id: order.id, trouble: await troubleWith(life, order) });
      return;
    case 'stop': {
      const deadline = systemClock.elapsed() + order.graceMs;
      await life.prepared?.ready.cancel();
      life.prepared = null;
      await life.gateway.drain(order.graceMs);
      await life.attendance?.close();
      await life.gateway.stop(Math.max(0, deadline - systemClock.elapsed()));
      await life.log.close();
      if (process.connected) process.disconnect(); // and ends
      return;
    }
    case 'figures':
      report({ report: 'figures', id: order.id, snapshot: await life.gateway.snapshot() });
      return;
    case 'figures-of-all': // heard before
    case 'reloaded': // heard before
    case 'start': // was the first
  }
}

/** Follows an order of a reload; why it could not be followed, or ''. */
async function troubleWith(
  life: Life,
  order: Order & { order: 'prepare' | 'commit' | 'cancel' },
): Promise<string> {
  try {
    if (order.order === 'prepare') {
      const config = loaded(order.config);
      life.prepared = { ready: await life.gateway.prepare(config), config };
      return '';
    }
    const { prepared } = life;
    life.prepared = null;
    if (order.order === 'cancel') await prepared?.ready.cancel();
    else if (prepared) {
      prepared.ready.commit();
      life.log.reconfigure(prepared.config.log);
    }
    return '';
  } catch (error) {
    return said(error);
  }
}

/** The supervisor has checked the text; files that it names may have changed since. */
function loaded({ file, base, text }: ConfigText): Config {
  const result = loadConfig({ text, name: file, base });
  if (result.ok) return result.config;
  throw new ReloadError(result.errors.map((d) => diagnosticLine(d)).join('; '));
}

/** The supervisor may be gone, and this process with it. */
function report(what: Report, sent: () => void = () => undefined): void {
  if (process.connected) process.send!(what, undefined, undefined, sent);
}
