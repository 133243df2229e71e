/** The state of a filter in figures and in words: what an operator sees of it. Pure but for the clock. */
import type { Clock } from '#clock';
import { printable, utf8Of } from '#message';
import { flagNames, SMFIF, SMFIP } from '#milter/protocol';
import type { FilterAccess, OnError } from '#stages';
import type { Pause } from './pauses.ts';

/** p95 of the waits from which a filter counts as slow, in milliseconds, and messages needed to say so. */
export const SLOW = 2000;
const ENOUGH = 5;

export type MilterState = 'answering' | 'slow' | 'unreachable' | 'paused' | 'unused';

/** What is known of a filter. Times as ISO 8601, '' and null where there is nothing to tell. Waits in milliseconds. */
export interface MilterHealth {
  readonly name: string;
  readonly state: MilterState;
  /** The state in words, and what happens to mail meanwhile. */
  readonly says: string;
  /** Since when it is paused or cannot be reached. */
  readonly since: string | null;
  /** Probes in vain, and when the next one is due. */
  readonly tries: number;
  readonly nextTry: string | null;
  readonly lastError: string;
  readonly lastErrorAt: string | null;
  readonly pausedBy: string;
  readonly pausedUntil: string | null;
  readonly reason: string;
  /** What was agreed on last; 0 and empty before. */
  readonly version: number;
  readonly actions: readonly string[];
  readonly protocol: readonly string[];
  /** Answers waited for now; conversations kept for the next client. */
  readonly inFlight: number;
  readonly idle: number;
  /** What messages of the last minute or two waited for it. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly messages: number;
  /** Last words by kind, and faults by kind, since the filter is configured as it is. */
  readonly answers: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
  /** The latest words of each kind of fault, as this process heard them. */
  readonly troubles: Readonly<Record<string, { readonly at: string; readonly text: string }>>;
}

/** Of a filter, and the pause it is under. */
export function healthOf(access: FilterAccess, pause: Pause | null, clock: Clock): MilterHealth {
  const { settings, meter, outage } = access;
  const { agreement, lastError } = meter;
  const waits = meter.percentiles();
  const state = stateOf(access, pause, waits.messages >= ENOUGH && waits.p95 >= SLOW);
  const wall = (elapsed: number): number => clock.now() - clock.elapsed() + elapsed;
  const since = pause?.since ?? (outage ? wall(outage.since) : null);
  const nextTry = outage && !pause ? Math.max(wall(outage.nextAt), clock.now()) : null;
  return {
    name: settings.name,
    state,
    says: wordsOf(state, {
      pause,
      since,
      tries: outage?.tries ?? 0,
      nextTry,
      p95: waits.p95,
      onError: settings.onError,
      now: clock.now(),
    }),
    since: iso(since),
    tries: outage?.tries ?? 0,
    nextTry: iso(nextTry),
    lastError: lastError === null ? '' : wordsFor(lastError.text),
    lastErrorAt: iso(lastError?.at ?? null),
    pausedBy: pause?.by ?? '',
    pausedUntil: iso(pause?.until ?? null),
    reason: pause?.reason ?? '',
    version: agreement?.version ?? 0,
    actions: flagNames(agreement?.actions ?? 0, SMFIF),
    protocol: flagNames(agreement?.protocol ?? 0, SMFIP),
    inFlight: meter.inFlight,
    idle: access.idle,
    ...waits,
    answers: meter.answers,
    errors: meter.errors,
    troubles: Object.fromEntries(
      [...meter.troubles].map(([kind, { at, text }]) => [kind, { at: iso(at)!, text: wordsFor(text) }]),
    ),
  };
}

function stateOf({ outage, meter, settings }: FilterAccess, pause: Pause | null, slow: boolean): MilterState {
  if (pause) return 'paused';
  if (outage) return 'unreachable';
  if (!meter.used || settings.enable.constant === false) return 'unused';
  return slow ? 'slow' : 'answering';
}

const wordsFor = (text: string): string => printable(utf8Of(text), 300);

const iso = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

/** What happens to mail while a filter cannot be used. */
export const MAIL_MEANWHILE: Readonly<Record<OnError, string>> = {
  tempfail: 'new mail gets 451 4.7.1 and comes again later',
  reject: 'new mail is refused with 550 5.5.0',
  accept: 'mail passes unfiltered',
  quarantine: 'mail is held',
};

function wordsOf(
  state: MilterState,
  facts: {
    readonly pause: Pause | null;
    readonly since: number | null;
    readonly tries: number;
    readonly nextTry: number | null;
    readonly p95: number;
    readonly onError: OnError;
    readonly now: number;
  },
): string {
  const { pause, since, tries, nextTry, p95, onError, now } = facts;
  switch (state) {
    case 'paused': {
      const until = pause!.until === null ? 'until it is resumed' : `until ${iso(pause!.until)}`;
      const who = printable(`${pause!.by} ${until}: ${pause!.reason}`, 600);
      return `paused by ${who}; mail passes without it`;
    }
    case 'unreachable': {
      const next = Math.max(0, Math.round(((nextTry ?? now) - now) / 1000));
      const tried = `${tries} ${tries === 1 ? 'try' : 'tries'}`;
      return `not reachable since ${iso(since)}, ${tried}, next in ${next} s; ${MAIL_MEANWHILE[onError]}`;
    }
    case 'unused':
      return 'it was not asked yet';
    case 'slow':
      return `slow: 1 of 20 messages waits ${p95} ms or longer for it`;
    case 'answering':
      return 'answering';
  }
}
