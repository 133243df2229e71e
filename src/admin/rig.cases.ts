/** What the tests of the reading side share: the API over a spool in memory and a journal in memory. */
import assert from 'node:assert/strict';
import { ManualClock } from '#clock';
import { Suspensions } from '#delivery';
import { makeDesk, Metrics, Settings, Trail } from '#gateway';
import { loadConfig } from '#gateway/config';
import {
  KEEP_ALL,
  rowTest,
  type CapturePolicy,
  type Changes,
  type ConversationLine,
  type ConversationPage,
  type ConversationQuery,
  type HistoryPage,
  type HistoryQuery,
  type HistoryRow,
  type HistoryWhere,
  type JournalFigures,
  type JournalNews,
  type JournalReader,
  type PacketRow,
} from '#journal';
import { bodyOf, bytesOf } from '#message';
import type { NoticeFields, NoticeName, NoticeSink } from '#notices';
import { makeQueueId, MemorySpool, type EntryMeta } from '#spool';
import type { StageSurroundings } from '#stages';
import type { Admitted, Scope } from './access/needs.ts';
import type { MiddlewareHandler } from 'hono';
import { Access } from './access/access.ts';
import { Tokens } from './access/tokens.ts';
import { listedAccounts } from './accounts.cases.ts';
import { makeApp, type Entry } from './app.ts';
import { idleMilters } from './milters.cases.ts';

export const START = Date.UTC(2026, 10, 22, 12, 0, 0);

/** An id of the history: sorts by `n`. */
export const idOf = (n: number): string => n.toString(36).padStart(16, '0');

export function rowOf(n: number, more: Partial<HistoryRow> = {}): HistoryRow {
  return {
    id: idOf(n),
    session: `s${n}`,
    part: 1,
    at: START + n,
    listener: 'smtp',
    client: '192.0.2.1',
    clientName: 'client.test',
    helo: 'client.test',
    tls: '',
    user: '',
    from: 'a@out.test',
    to: ['b@in.test'],
    recipients: 1,
    subject: `message ${n}`,
    size: 100,
    outcome: 'accepted',
    reply: '250 2.0.0 OK',
    by: '',
    filters: [{ name: 'judge', verdict: 'continue', ms: 3, edits: [], error: '' }],
    ms: 10,
    acceptMs: 5,
    filterMs: 3,
    changed: false,
    delivery: [],
    ...more,
  };
}

export function lineOf(
  session: string,
  part: number,
  more: Partial<ConversationLine> = {},
): ConversationLine {
  return {
    cursor: `${session}.${part}`,
    session,
    part,
    id: '',
    at: START,
    client: '192.0.2.7',
    listener: 'smtp',
    from: part > 0 ? 'a@out.test' : '',
    rcpt: part > 0 ? 'b@in.test' : '',
    open: false,
    packets: 1,
    bytes: 10,
    ms: 5,
    outcome: part > 0 ? 'accepted' : '',
    milters: ['judge'],
    slowest: 1,
    errors: 0,
    dropped: 0,
    pinned: false,
    ...more,
  };
}

export function packetOf(n: number, part: number, more: Partial<PacketRow> = {}): PacketRow {
  const data = more.data ?? '';
  return {
    n,
    part,
    at: n,
    delta: 1,
    lane: 'client',
    direction: 'received',
    kind: 'smtp',
    code: 'RCPT',
    summary: 'RCPT TO:<b@in.test>',
    fields: [],
    bytes: Buffer.from(data, 'base64').length,
    waited: null,
    data,
    cut: 0,
    note: '',
    ...more,
  };
}

export const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');

/** A journal that is a few lists. Conditions: those that the tests ask for. */
export class MemoryJournal implements JournalReader {
  rows: HistoryRow[] = [];
  lines: ConversationLine[] = [];
  packetRows = new Map<string, PacketRow[]>();
  kept = new Map<string, Changes>();
  pinned = new Set<string>();
  readonly #watchers = new Set<(what: JournalNews) => void>();
  #policy = KEEP_ALL;

  get watchers(): number {
    return this.#watchers.size;
  }

  /** Tells those who watch, of these rows. */
  told(...rows: readonly HistoryRow[]): void {
    const ids = rows.map((r) => r.id);
    for (const watcher of this.#watchers) watcher({ history: ids.length > 0, conversations: true, ids });
  }

  /** A row is written, or another time. */
  write(...rows: readonly HistoryRow[]): void {
    this.rows = [...this.rows.filter((r) => !rows.some(({ id }) => id === r.id)), ...rows];
    this.rows.sort((a, b) => (a.id < b.id ? -1 : 1));
    this.told(...rows);
  }

  history({ where, before, after, limit }: HistoryQuery): Promise<HistoryPage> {
    const fits = (row: HistoryRow): boolean =>
      (where.from === undefined || row.from === where.from) &&
      (where.since === undefined || row.at >= where.since) &&
      (where.slower === undefined || row.ms >= where.slower);
    const all = this.rows.filter(fits);
    const asked =
      after === undefined
        ? all.toReversed().filter((r) => before === undefined || r.id < before)
        : all.filter((r) => r.id > after);
    const rows = asked.slice(0, limit);
    return Promise.resolve({ rows, next: asked.length > limit ? rows.at(-1)!.id : null, looked: all.length });
  }

  message(id: string, where: HistoryWhere = {}): Promise<HistoryRow | null> {
    const fits = rowTest(where);
    return Promise.resolve(this.rows.find((r) => r.id === id && fits(r)) ?? null);
  }

  changes(id: string): Promise<Changes | null> {
    return Promise.resolve(this.kept.get(id) ?? null);
  }

  conversations({ where, limit }: ConversationQuery): Promise<ConversationPage> {
    const fits = (l: ConversationLine): boolean =>
      (where.session === undefined || l.session === where.session) &&
      (where.open === undefined || l.open === where.open) &&
      (where.milter === undefined || l.milters.includes(where.milter));
    const found = this.lines.filter(fits).toReversed();
    return Promise.resolve({ lines: found.slice(0, limit), next: null, looked: found.length });
  }

  packets(session: string, part?: number, afterN = 0): Promise<readonly PacketRow[] | null> {
    const all = this.packetRows.get(session);
    if (!all) return Promise.resolve(null);
    return Promise.resolve(all.filter((p) => part === undefined || (p.part === part && p.n > afterN)));
  }

  policy(): CapturePolicy {
    return this.#policy;
  }

  setPolicy(policy: CapturePolicy): Promise<void> {
    this.#policy = policy;
    return Promise.resolve();
  }

  pin(session: string, pinned: boolean): Promise<boolean> {
    if (!this.packetRows.has(session) || (pinned && this.pinned.size >= 1)) return Promise.resolve(false);
    this.pinned[pinned ? 'add' : 'delete'](session);
    return Promise.resolve(true);
  }

  figures(): JournalFigures {
    return { rows: this.rows.length, sessions: this.lines.length, bytes: 0, capacity: 1000, droppedBytes: 0 };
  }

  watch(listener: (what: JournalNews) => void): () => void {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }
}

export function metaOf(more: Partial<EntryMeta> = {}): EntryMeta {
  return {
    id: 'm1',
    state: 'queued',
    receivedAt: START,
    sender: 'from@sender.test',
    senderParams: [],
    recipients: [
      { address: 'a@one.test', params: [], state: 'pending', attempts: 0, lastStatus: null },
      { address: 'b@two.test', params: [], state: 'pending', attempts: 0, lastStatus: null },
    ],
    origin: {
      listener: 'smtp',
      clientAddress: '192.0.2.1',
      clientName: 'client.test',
      helo: 'client.test',
      user: '',
      localPort: 25,
      source: 'smtp',
    },
    size: 100,
    due: START + 1000,
    expiresAt: START + 86_400_000,
    attempts: 0,
    hold: null,
    lease: null,
    ...more,
  };
}

export const heldBy = (by: string, more: Partial<EntryMeta> = {}): EntryMeta =>
  metaOf({ state: 'held', hold: { reason: 'looks odd', by }, ...more });

/** Texts that no page and no terminal may obey. */
export const HOSTILE = [
  '<img src=x onerror=alert(1)>',
  '"><script>alert(1)</script>',
  'javascript:alert(1)',
  '{{7*7}} ${7*7} #{7*7}',
  '\u202egnp.exe\u2066',
  '\x1b[2J\x1b]0;owned\x07\r\nX: y\u2028z',
].join(' ');

export interface RigOptions {
  readonly entries?: readonly EntryMeta[];
  readonly header?: string;
  readonly body?: string;
  readonly journal?: JournalReader | null;
  /** The scope that requests have; also a function, asked for each; null: not let in. */
  readonly scope?: Scope | (() => Scope | null);
  readonly filters?: StageSurroundings['filters'];
  readonly trailFile?: string;
}

/** The API, asked without a network. */
export async function rig(options: RigOptions = {}) {
  const {
    entries = [],
    header = 'Subject: x\r\n',
    body = 'body\r\n',
    journal = null,
    filters = [],
  } = options;
  const clock = new ManualClock(START);
  const said: { name: NoticeName; fields: NoticeFields }[] = [];
  const notices = (name: NoticeName, fields: NoticeFields): void => void said.push({ name, fields });
  const spool = new MemorySpool();
  for (const meta of entries)
    await spool.commit({ meta, header: bytesOf(header), body: bodyOf([bytesOf(body)]) });
  const loaded = loadConfig({ text: 'hostname: mx.test\n', name: 'test', base: '/' });
  assert.ok(loaded.ok);
  const around = { clock, notices };
  const desk = makeDesk({
    spool,
    suspensions: new Suspensions({ ...around, file: '' }),
    trail: new Trail({ ...around, file: options.trailFile ?? '' }),
    config: () => loaded.config,
    filters: () => ({
      filters,
      hostname: 'mx.test',
      version: 'test',
      mailerOf: () => ({ mailer: 'smtp', host: '' }),
      ...around,
    }),
    newId: makeQueueId(clock),
    wake: () => undefined,
    forgive: () => undefined,
    ...around,
  });
  const metrics = new Metrics({ clock, notices });
  const settings = new Settings({ home: null, config: () => loaded.config, clock, notices });
  const milters = idleMilters(clock, notices);
  const ready = () => Promise.resolve({ ready: true, reasons: [] });
  const entry = await entryOf(options.scope, { clock, notices });
  const app = makeApp(
    { desk, milters, settings, accounts: listedAccounts(), journal, metrics, ready },
    entry,
    notices,
  );
  const ask = async (method: string, path: string, what?: unknown, headers: Record<string, string> = {}) => {
    const text = what === undefined ? undefined : JSON.stringify(what);
    const answer = await app.request(path, {
      method,
      headers: { ...(text !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(text !== undefined && { body: text }),
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    return { status: answer.status, headers: answer.headers, bytes, text: bytes.toString() };
  };
  const get = async <T>(path: string): Promise<T> => {
    const { status, text } = await ask('GET', path);
    assert.equal(status, 200, text);
    return JSON.parse(text) as T;
  };
  return { app, ask, get, spool, desk, clock, said };
}

/** A door behind which requests have a scope. */
async function entryOf(
  scope: RigOptions['scope'],
  around: { readonly clock: ManualClock; readonly notices: NoticeSink },
): Promise<Entry | null> {
  if (scope === undefined) return null;
  const tokens = await Tokens.open({ file: '/nowhere/tokens.json', ...around });
  const access = new Access({ tokens, accounts: listedAccounts(), names: [], ...around });
  const gate: MiddlewareHandler<Admitted> = async (c, next) => {
    const now = typeof scope === 'function' ? scope() : scope;
    if (now === null) return c.json({}, 401);
    c.set('scope', now);
    return next();
  };
  return {
    access: Object.defineProperty(access, 'gate', { value: gate }),
    door: 'network',
    metrics: 'token',
  };
}
