/**
 * The figures of a running gateway: who counts where, and what whoever looks is shown.
 *
 * Made before anything else of the gateway, so that nothing goes uncounted. `notices` stands before the log: one notice, one
 * count. Looking never waits long and never rejects; counting never throws. With several workers `others` fetches what they
 * counted, and everything shown is the sum.
 */
import { statfs } from 'node:fs/promises';
import type { Clock } from '#clock';
import { VERSION, type Config } from '#gateway/config';
import { CATALOGUE, type Level, type NoticeFields, type NoticeName, type NoticeSink } from '#notices';
import type { FilterAccess, StageMeter } from '#stages';
import { eventLoopDelay, type LoopDelay } from '../event-loop.ts';
import { METRICS } from './catalogue.ts';
import { DeliveryFigures } from './delivery-figures.ts';
import { ExpressionFigures } from './expression-figures.ts';
import { Failures } from './failures.ts';
import { Figures } from './figures.ts';
import { FilterFigures } from './filter-figures.ts';
import { reportOf, type FilterReport } from './filter-report.ts';
import { countsOf } from './from-notices.ts';
import { ListenerMeter } from './listener-meter.ts';
import { Minutes, PARTS, quantile, type Minute } from './minutes.ts';
import { certificateLines, type MilterLine, type Overview } from './overview.ts';
import { gatherProcessFigures, processFigures } from './process-figures.ts';
import { QueueFigures, type Counting } from './queue-figures.ts';
import { latelyOf, minutesOf, scrapeOf, sumsBy, type Scrape, type Snapshot } from './snapshot.ts';

/** A certificate in use: its file, and when it ends (milliseconds since 1970). */
export interface Certificate {
  readonly name: string;
  readonly expires: number;
}

/** What the journal tells of itself. */
export interface JournalFigures {
  readonly sessions: number;
  readonly droppedBytes: number;
}

/** What figures are made of. */
export interface MetricsOptions {
  readonly clock: Clock;
  readonly notices: NoticeSink;
  /** Lines of the log so far. */
  readonly lines?: Readonly<Record<Level, number>> | undefined;
  /** Fetches what other processes of the same gateway counted. Must not reject. */
  readonly others?: (() => Promise<readonly Snapshot[]>) | undefined;
}

/** What the figures look at when somebody wants to see them. Each part that is there says so. */
export interface Sights {
  readonly config: () => Config;
  readonly filters: () => readonly FilterAccess[];
  readonly certificates: () => readonly Certificate[];
  /** Null where another process delivers. */
  readonly spool: Counting | null;
  readonly journal?: (() => JournalFigures | null) | undefined;
  /** State of a filter, where somebody watches over that. */
  readonly health?: ((name: string) => { readonly state: string } | null) | undefined;
}

/** See above. */
export class Metrics {
  readonly figures = new Figures();
  /** Counts a notice and hands it on. */
  readonly notices: NoticeSink;
  readonly delivery: DeliveryFigures;
  /** Of the conditions of filters, and of routes. */
  readonly enable: ExpressionFigures;
  readonly route: ExpressionFigures;
  readonly stages: StageMeter;
  readonly #o: MetricsOptions;
  readonly #listeners = new Map<string, ListenerMeter>();
  readonly #filters = new Map<string, FilterFigures>();
  readonly #failures = new Failures();
  readonly #minutes: Minutes;
  readonly #loop: LoopDelay;
  #sights: Sights | null = null;
  #queue: QueueFigures | null = null;
  #changed: { readonly at: number; readonly by: string } | null = null;

  constructor(options: MetricsOptions) {
    const { clock, notices } = options;
    this.#o = options;
    gatherProcessFigures();
    const { figures } = this;
    figures.number('build_info').cell(VERSION, process.version).n = 1;
    const listener = (name: string): ListenerMeter | undefined => this.#listeners.get(name);
    const filter = (name: string): FilterFigures | undefined => this.#filters.get(name);
    const counts = countsOf({ figures, listener, filter, now: () => clock.now() });
    const heard = new Map<NoticeName, (fields: NoticeFields) => void>();
    for (const name of Object.keys(CATALOGUE) as NoticeName[]) {
      const { level } = CATALOGUE[name];
      const count = counts[name];
      const trouble = level === 'warn' || level === 'error';
      if (count || trouble)
        heard.set(name, (fields) => {
          count?.(fields);
          if (trouble) this.#failures.add(clock.now(), name, fields);
        });
    }
    this.#hearChanges(heard);
    this.notices = (name, fields) => {
      heard.get(name)?.(fields);
      notices(name, fields);
    };
    this.delivery = new DeliveryFigures(figures);
    this.enable = new ExpressionFigures(figures, 'enable');
    this.route = new ExpressionFigures(figures, 'route');
    this.stages = stageMeter(figures);
    this.#minutes = new Minutes(figures, clock);
    this.#loop = eventLoopDelay();
    figures.onLook(() => this.#showHouse());
    figures.onLook(() => this.#showFilters());
    figures.onLook(() => this.#showSpool());
  }

  /** When the configuration changed, and by whom when that was not its file. */
  #hearChanges(heard: Map<NoticeName, (fields: NoticeFields) => void>): void {
    const { clock } = this.#o;
    const also = (name: NoticeName, more: (fields: NoticeFields) => void): void => {
      const before = heard.get(name);
      heard.set(name, (fields) => {
        before?.(fields);
        more(fields);
      });
    };
    also('gateway.reloaded', () => {
      this.#changed = { at: clock.now(), by: '' };
    });
    also('admin.changed', ({ what, by }) => {
      if (what === 'configuration') this.#changed = { at: clock.now(), by: String(by) };
    });
  }

  /** From now on there is a gateway to look at. */
  watch(sights: Sights): void {
    this.#sights = sights;
    if (sights.spool) this.#queue = new QueueFigures(sights.spool, this.#o.clock);
  }

  /** Who counts for a listener. The same one for the same name. */
  listener(name: string): ListenerMeter {
    let meter = this.#listeners.get(name);
    if (!meter) this.#listeners.set(name, (meter = new ListenerMeter(this.figures, name)));
    return meter;
  }

  /** Who counts for a filter. The same one for the same name. */
  filter(name: string): FilterFigures {
    let meter = this.#filters.get(name);
    if (!meter) this.#filters.set(name, (meter = new FilterFigures(this.figures, name)));
    return meter;
  }

  /** Filters of other names are configured no more. */
  settleFilters(names: ReadonlySet<string>): void {
    for (const name of this.#filters.keys()) {
      if (names.has(name)) continue;
      this.#filters.delete(name);
      this.figures.dropFilter(name);
    }
  }

  /** A commit to the spool took so long. */
  readonly committed = (ms: number): void => {
    this.figures
      .histogram('queue_commit_duration_seconds')
      .cell()
      .observe(ms / 1000);
  };

  /** A request to the interface for operators was answered. `route` is the pattern, never the path. */
  requested(route: string, method: string, code: number, ms: number): void {
    this.figures.number('http_requests_total').cell(route, method, String(code)).n++;
    this.figures
      .histogram('http_request_duration_seconds')
      .cell(route)
      .observe(ms / 1000);
  }

  /** What this process counted. */
  async snapshot(): Promise<Snapshot> {
    const [own, ofProcess] = await Promise.all([this.figures.look(), processFigures()]);
    return { metrics: [...own, ...ofProcess], minutes: this.#minutes.last(), lately: this.#minutes.lately() };
  }

  /** What Prometheus reads. */
  async scrape(): Promise<Scrape> {
    return scrapeOf(await this.#all());
  }

  /** What was counted of a filter. */
  async filterReport(name: string): Promise<FilterReport> {
    return reportOf(await this.#all(), name);
  }

  /** What the first page shows. */
  async overview(): Promise<Overview> {
    const [snapshots, counted, free] = await Promise.all([
      this.#all(),
      this.#queue?.count() ?? Promise.resolve(null),
      this.#volume(),
    ]);
    const { clock } = this.#o;
    const now = clock.now();
    const lately = latelyOf(snapshots);
    const at = (share: number): number | null =>
      inMs(quantile(share, lately.accept, METRICS.smtp_accept_duration_seconds.buckets!));
    const { active, deferred, held } = counted?.states ?? {};
    const oldest = Math.min(active?.oldest ?? Infinity, deferred?.oldest ?? Infinity);
    const [a, d, h] = [active, deferred, held].map((state) => state?.messages ?? 0) as [
      number,
      number,
      number,
    ];
    return {
      now,
      hostname: this.#sights?.config().hostname ?? '',
      version: VERSION,
      perMinute: minutesOf(snapshots).map((minute) => lineOf(minute)),
      accept: { p50: at(0.5), p95: at(0.95), p99: at(0.99) },
      queue: { messages: a + d + h, held: h, deferred: d, oldest: oldest === Infinity ? null : now - oldest },
      milters: this.#milterLines(snapshots),
      failures: this.#failures.list(),
      configChanged: this.#changed,
      certificates: certificateLines(this.#sights?.certificates() ?? [], now),
      spoolFree: free?.free ?? null,
      loopDelay: this.#loop.mean(),
    };
  }

  /** Ends what runs by itself. */
  async stop(): Promise<void> {
    this.#minutes.stop();
    this.#loop.stop();
    await this.#queue?.stop();
  }

  async #all(): Promise<readonly Snapshot[]> {
    const [own, others] = await Promise.all([this.snapshot(), this.#o.others?.() ?? []]);
    return [own, ...others];
  }

  #milterLines(snapshots: readonly Snapshot[]): readonly MilterLine[] {
    const { filters } = latelyOf(snapshots);
    const bounds = METRICS.milter_message_duration_seconds.buckets!;
    return (this.#sights?.filters() ?? []).map((access) => {
      const { name } = access.settings;
      const where = { milter: name };
      const answers = sumsBy(snapshots, 'milter_replies_total', 'reply', where);
      const tried = sumsBy(snapshots, 'milter_connections_total', 'milter', where)[name] ?? 0;
      const state = this.#sights?.health?.(name)?.state;
      const own = access.unavailable ? 'unreachable' : tried === 0 ? 'unused' : 'answering';
      return {
        name,
        state: state ?? own,
        p95: inMs(quantile(0.95, filters[name] ?? [], bounds)),
        errors: sumsBy(snapshots, 'milter_errors_total', 'milter', where)[name] ?? 0,
        answers,
      };
    });
  }

  #showHouse(): void {
    const { lines } = this.#o;
    for (const level of ['debug', 'info', 'warn', 'error'] as const)
      this.figures.number('log_lines_total').cell(level).n = lines?.[level] ?? 0;
    const journal = this.#sights?.journal?.();
    this.figures.number('trace_sessions').cell().n = journal?.sessions ?? 0;
    this.figures.number('trace_dropped_bytes_total').cell().n = journal?.droppedBytes ?? 0;
    const expiry = this.figures.number('tls_certificate_expiry_timestamp_seconds');
    expiry.clear();
    for (const { name, expires } of this.#sights?.certificates() ?? []) expiry.cell(name).n = expires / 1000;
  }

  #showFilters(): void {
    this.figures.number('milter_negotiated_info').clear();
    const limits = this.figures.number('milter_timeout_seconds');
    limits.clear();
    for (const { settings, idle } of this.#sights?.filters() ?? []) {
      const { name, client } = settings;
      this.filter(name).show(idle, this.#sights?.health?.(name)?.state === 'paused');
      limits.cell(name, 'connect').n = client.timeoutConnect / 1000;
      limits.cell(name, 'command').n = client.timeoutCommand / 1000;
      limits.cell(name, 'data').n = client.timeoutData / 1000;
    }
  }

  async #showSpool(): Promise<void> {
    await this.#queue?.show(this.figures);
    const volume = await this.#volume();
    if (!volume) return;
    this.figures.number('spool_free_bytes').cell().n = volume.free;
    this.figures.number('spool_size_bytes').cell().n = volume.size;
  }

  async #volume(): Promise<{ readonly free: number; readonly size: number } | null> {
    const spool = this.#sights?.config().spool;
    if (spool?.engine !== 'lmdb') return null;
    const found = await statfs(spool.dir).catch(() => null);
    return found && { free: found.bavail * found.bsize, size: found.blocks * found.bsize };
  }
}

const inMs = (seconds: number | null): number | null => (seconds === null ? null : seconds * 1000);

function lineOf({ at, counts }: Minute): Overview['perMinute'][number] {
  const [accepted = 0, rejected = 0, tempfailed = 0, held = 0, discarded = 0] = PARTS.map(
    (_, i) => counts[i] ?? 0,
  );
  return { at, accepted, rejected, tempfailed, held, discarded };
}

/** Hears of the filters of a stage together. */
function stageMeter(figures: Figures): StageMeter {
  const overlap = figures.histogram('filter_overlap_ratio').cell();
  const durations = figures.histogram('filter_stage_duration_seconds');
  return {
    stage(stage, ms, waited) {
      durations.cell(stage === 'end' ? 'eom' : stage).observe(ms / 1000);
      if (ms > 0) overlap.observe(waited / ms);
    },
  };
}
