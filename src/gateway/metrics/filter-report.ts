/** Everything that was counted of one filter, for those who want to know more of it than its state. Plain values; of all processes. */
import { METRICS, PREFIX } from './catalogue.ts';
import { quantile } from './minutes.ts';
import { minutesOf, sumsBy, type Snapshot } from './snapshot.ts';

/** See above. Durations in milliseconds. */
export interface FilterReport {
  /** The last hour: messages by how long they waited, by the bounds of the buckets; one more bucket is beyond the last bound. */
  readonly waits: {
    readonly bounds: readonly number[];
    readonly minutes: readonly { readonly at: number; readonly counts: readonly number[] }[];
  };
  /** Since the start, by stage. */
  readonly stages: readonly StageReport[];
  readonly edits: readonly {
    readonly edit: string;
    readonly made: number;
    readonly refused: number;
  }[];
  readonly errors: Readonly<Record<string, number>>;
  /** Body bytes that it was not sent, by reason, and bytes that it was sent. */
  readonly unsent: Readonly<Record<string, number>>;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** The answers at one stage. */
export interface StageReport {
  readonly stage: string;
  readonly answers: Readonly<Record<string, number>>;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** In the order of a conversation. */
const STAGES = ['connect', 'helo', 'mail', 'rcpt', 'data', 'header', 'eoh', 'body', 'eom', 'unknown'];

/** What these processes counted of a filter. */
export function reportOf(snapshots: readonly Snapshot[], milter: string): FilterReport {
  const sum = (name: keyof typeof METRICS, label: string, more: object = {}) =>
    sumsBy(snapshots, name, label, { milter, ...more });
  const bounds = METRICS.milter_message_duration_seconds.buckets!;
  const none = [...bounds.map(() => 0), 0];
  const made = sum('milter_edits_total', 'edit');
  const refused = sum('milter_edits_refused_total', 'edit');
  return {
    waits: {
      bounds: bounds.map((seconds) => seconds * 1000),
      minutes: minutesOf(snapshots).map(({ at, waits }) => ({ at, counts: waits[milter] ?? none })),
    },
    stages: STAGES.flatMap((stage) => {
      const answers = sum('milter_replies_total', 'reply', { stage });
      return Object.keys(answers).length === 0 ? [] : [stageOf(snapshots, milter, stage, answers)];
    }),
    edits: [...new Set([...Object.keys(made), ...Object.keys(refused)])].map((edit) => ({
      edit,
      made: made[edit] ?? 0,
      refused: refused[edit] ?? 0,
    })),
    errors: sum('milter_errors_total', 'kind'),
    unsent: sum('milter_unsent_bytes_total', 'reason'),
    sentBytes: sum('milter_sent_bytes_total', 'milter')[milter] ?? 0,
    receivedBytes: sum('milter_received_bytes_total', 'milter')[milter] ?? 0,
  };
}

function stageOf(
  snapshots: readonly Snapshot[],
  milter: string,
  stage: string,
  answers: Readonly<Record<string, number>>,
): StageReport {
  const { buckets } = METRICS.milter_reply_duration_seconds;
  const counts = bucketsOf(snapshots, milter, stage);
  const at = (share: number): number | null => {
    const seconds = quantile(share, counts, buckets!);
    return seconds === null ? null : seconds * 1000;
  };
  return { stage, answers, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

/** What is told of a histogram is how many are within each bound; here it is how many are between two. */
function bucketsOf(snapshots: readonly Snapshot[], milter: string, command: string): readonly number[] {
  const name = `${PREFIX}milter_reply_duration_seconds`;
  const within = [...METRICS.milter_reply_duration_seconds.buckets!, '+Inf'].map((le) => {
    let count = 0;
    for (const { metrics } of snapshots)
      for (const { metricName, labels, value } of metrics.find((m) => m.name === name)?.values ?? [])
        if (
          metricName === `${name}_bucket` &&
          labels['milter'] === milter &&
          labels['command'] === command &&
          String(labels['le']) === String(le)
        )
          count += value;
    return count;
  });
  return within.map((n, i) => n - (within[i - 1] ?? 0));
}
