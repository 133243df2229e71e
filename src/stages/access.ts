/**
 * The way to one filter, shared by all SMTP connections: its health, its parked conversations, what was learnt about it.
 *
 * Made by the gateway, one per configured filter, kept over reloads that leave the filter as it is. `open` rejects with
 * MilterError, or with FilterUnavailable while the breaker is open.
 */
import type { Clock } from '#clock';
import {
  connectMilter,
  MilterError,
  type MilterConversation,
  type MilterErrorCode,
  type MilterObserver,
} from '#milter/client';
import type { NoticeSink } from '#notices';
import { Breaker, FilterUnavailable, type Outage } from './breaker.ts';
import { Habit } from './habit.ts';
import { FilterHealth } from './health.ts';
import type { ConnectResult, FilterMeter } from './meter.ts';
import { Parked } from './parked.ts';
import type { FilterSettings } from './settings.ts';

/** What a way to a filter is made with. */
export interface AccessSurroundings {
  readonly clock: Clock;
  readonly notices: NoticeSink;
  /** Whether an operator took the filter of a name out. Asked at every stage: must be quick. */
  readonly paused?: ((name: string) => boolean) | null;
}

/** A conversation, and whether another client had it before. */
export interface Opened {
  readonly conversation: MilterConversation;
  readonly reused: boolean;
}

/** Faults of a filter that cannot take several events in one go. A time-out in the content may be one, or only a busy filter. */
const LOSES_STEP = new Set<MilterErrorCode>(['unexpected_reply', 'frame_invalid']);

/** Failures in a row that end the handing over, and time-outs that end pipelining: these before the breaker opens. */
const REUSE_LAPSES = 3;
const STEP_LAPSES = 2;

/** See the head of the file. */
export class FilterAccess {
  readonly settings: FilterSettings;
  /** How it is doing; passes what it hears on to whoever keeps the figures. */
  readonly meter: FilterHealth;
  readonly #clock: Clock;
  readonly #notices: NoticeSink;
  readonly #breaker: Breaker;
  readonly #parked: Parked;
  readonly #reuse: Habit;
  readonly #pipeline: Habit;

  readonly #paused: ((name: string) => boolean) | null;

  constructor(
    settings: FilterSettings,
    { clock, notices, paused = null }: AccessSurroundings,
    meter: FilterMeter | null = null,
  ) {
    this.settings = settings;
    this.meter = new FilterHealth(clock, meter);
    this.#paused = paused;
    this.#clock = clock;
    this.#notices = notices;
    this.#reuse = new Habit(clock, settings.reuse, REUSE_LAPSES);
    this.#pipeline = new Habit(clock, settings.client.pipeline, STEP_LAPSES);
    this.#parked = new Parked(clock);
    const milter = settings.name;
    this.#breaker = new Breaker(clock, () => this.#probe(), {
      opened: (failures) => notices('milter.unavailable', { milter, failures, onError: settings.onError }),
      closed: (downMs) => notices('milter.back', { milter, downMs }),
    });
  }

  /** An operator took it out: it is not asked, and mail passes as if it were not configured. */
  get paused(): boolean {
    return this.#paused !== null && this.#paused(this.settings.name);
  }

  /** Since when, and how often, it is tried in vain; null while it can be used. */
  get outage(): Outage | null {
    return this.#breaker.outage;
  }

  /** The filter is not tried at present. */
  get unavailable(): boolean {
    return this.#breaker.open;
  }

  /** Conversations that wait for a client. */
  get idle(): number {
    return this.#parked.size;
  }

  /** A conversation ready for CONNECT, whose packets `observer` hears. */
  async open(observer: MilterObserver | null): Promise<Opened> {
    if (this.#breaker.open)
      throw new FilterUnavailable(`${this.settings.name} keeps failing and is not tried now`);
    const conversation = this.#reuse.kept ? this.#parked.take() : null;
    conversation?.observe(observer);
    return conversation
      ? { conversation, reused: true }
      : { conversation: await this.#connect(observer), reused: false };
  }

  /** An SMTP connection needs its conversation no more. */
  release(conversation: MilterConversation): void {
    if (this.#reuse.kept && conversation.alive && conversation.reusable) void this.#parked.park(conversation);
    else conversation.quit();
  }

  /** The filter answered. */
  succeeded(): void {
    this.#breaker.succeeded();
  }

  /** It answered everything of a content. */
  keptStep(): void {
    this.#pipeline.worked();
  }

  /** The filter could not be used. One that loses its step in the content is not written to in one go any more. */
  failed(error: MilterError): void {
    this.#breaker.failed();
    const inContent = error.event === 'header' || error.event === 'eoh' || error.event === 'body';
    const surely = LOSES_STEP.has(error.code);
    if (!inContent || (!surely && error.code !== 'data_timeout') || !this.#pipeline.failed(surely)) return;
    this.#notices('milter.pipeline-off', { milter: this.settings.name, error: error.message });
  }

  /** A conversation handed over from another client answered CONNECT. */
  reuseWorked(): void {
    this.#reuse.worked();
  }

  /** It did not: after a few of these in a row no more of that with this filter, for a while. */
  reuseFailed(error: MilterError): void {
    if (!this.#reuse.failed()) return;
    this.#parked.empty();
    this.#notices('milter.reuse-off', { milter: this.settings.name, error: error.message });
  }

  /** Everything learnt about the filter is forgotten: it is tried at once, anew, as it is configured. */
  reset(): void {
    this.#reuse.reset();
    this.#pipeline.reset();
    this.#parked.empty();
    this.#breaker.reset();
  }

  /** The gateway ends, or the filter is no longer configured. */
  close(): void {
    this.#breaker.stop();
    this.#parked.close();
  }

  async #connect(observer: MilterObserver | null): Promise<MilterConversation> {
    const { meter } = this;
    const options = {
      ...this.settings.client,
      pipeline: this.#pipeline.kept,
      clock: this.#clock,
      meter,
      ...(observer && { observer }),
    };
    const began = this.#clock.elapsed();
    try {
      const conversation = await connectMilter(options);
      meter.tried('ok', this.#clock.elapsed() - began);
      return conversation;
    } catch (error) {
      meter.tried(resultOf(error), this.#clock.elapsed() - began);
      throw error;
    }
  }

  async #probe(): Promise<void> {
    const conversation = await this.#connect(null);
    conversation.quit();
  }
}

/** How an attempt failed, in the words of the figures. */
function resultOf(error: unknown): ConnectResult {
  switch (error instanceof MilterError ? error.code : 'connect') {
    case 'connect':
      return 'refused';
    case 'connect_timeout':
      return 'timeout';
    case 'tls':
      return 'tls';
    default:
      return 'negotiation';
  }
}
