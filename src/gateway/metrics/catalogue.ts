/**
 * Every metric of ours: what it says, its labels, its buckets. docs/metrics.md is compared with this list by a test.
 *
 * Labels have few values: names of the configuration and words of this program, never anything a stranger can choose. Pure.
 */
import type { Joining, MetricKind } from './cells.ts';

/** What stands in front of every name. */
export const PREFIX = 'millrace_';

/** Seconds of commands and of filters. */
export const SECONDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
] as const;
/** Seconds from the final dot to the reply. */
const ACCEPT = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120] as const;
/** Seconds of whole sessions. */
const SESSION = [0.01, 0.05, 0.25, 1, 5, 15, 60, 300, 900, 3600] as const;
/** Seconds from acceptance to delivery. */
const LATENCY = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14400, 86400, 432000] as const;
/** Bytes: 1 KiB × 4ⁿ up to 64 MiB. */
const BYTES = Array.from({ length: 9 }, (_, n) => 1024 * 4 ** n);
const RATIO = [0.5, 0.75, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 5, 10] as const;

const counter = (help: string, ...labels: string[]): MetricKind => ({ type: 'counter', help, labels });
const gauge = (help: string, ...labels: string[]): MetricKind => ({ type: 'gauge', help, labels });
const joined = (joining: Joining, kind: MetricKind): MetricKind => ({ ...kind, joined: joining });
const histogram = (help: string, buckets: readonly number[], ...labels: string[]): MetricKind => ({
  type: 'histogram',
  help,
  labels,
  buckets,
});

const smtp = {
  smtp_connections_total: counter('Connections taken.', 'listener'),
  smtp_connections_active: gauge('Connections open now.', 'listener'),
  smtp_connections_refused_total: counter('Connections not taken.', 'listener', 'reason'),
  smtp_session_duration_seconds: histogram('Time from connection to end.', SESSION, 'listener'),
  smtp_commands_total: counter('Commands answered, by class of the reply.', 'listener', 'command', 'class'),
  smtp_command_duration_seconds: histogram('Time from a command to its reply.', SECONDS, 'command'),
  smtp_tls_handshakes_total: counter('TLS handshakes with clients.', 'listener', 'version', 'result'),
  smtp_auth_total: counter('Attempts of AUTH that came to an end.', 'listener', 'mechanism', 'result'),
  smtp_messages_total: counter('Transactions, by what became of them.', 'listener', 'outcome'),
  smtp_recipients_total: counter('Recipients answered.', 'listener', 'outcome'),
  smtp_message_size_bytes: histogram('Size of content as received.', BYTES, 'listener'),
  smtp_received_bytes_total: counter('Bytes received from clients, without TLS.', 'listener'),
  smtp_accept_duration_seconds: histogram('Time from the final dot to the reply.', ACCEPT, 'listener'),
} as const;

const milter = {
  milter_up: joined('min', gauge('1 when the last conversation or probe worked.', 'milter')),
  milter_paused: joined('max', gauge('1 while an operator has paused the filter.', 'milter')),
  milter_connections_total: counter('Connections tried.', 'milter', 'result'),
  milter_connections_open: gauge('Connections open now.', 'milter', 'state'),
  milter_connect_duration_seconds: histogram('Time to connect and negotiate.', SECONDS, 'milter'),
  milter_negotiated_info: joined(
    'first',
    gauge('What was negotiated last; always 1.', 'milter', 'version', 'actions', 'protocol'),
  ),
  milter_reply_duration_seconds: histogram('Time to an answer.', SECONDS, 'milter', 'command'),
  milter_message_duration_seconds: histogram('Sum of the waits for one message.', SECONDS, 'milter'),
  milter_replies_total: counter('Answers.', 'milter', 'stage', 'reply'),
  milter_progress_total: counter('Requests for more time.', 'milter'),
  milter_edits_total: counter('Changes made.', 'milter', 'edit'),
  milter_edits_refused_total: counter('Changes not made.', 'milter', 'edit', 'reason'),
  milter_errors_total: counter('Failures.', 'milter', 'kind'),
  milter_error_outcomes_total: counter('What was done with mail that failures hit.', 'milter', 'outcome'),
  milter_not_asked_total: counter('Times the filter was not asked.', 'milter', 'reason'),
  milter_sent_bytes_total: counter('Bytes sent to the filter.', 'milter'),
  milter_received_bytes_total: counter('Bytes received from the filter.', 'milter'),
  milter_unsent_bytes_total: counter('Body bytes the filter did not need.', 'milter', 'reason'),
  milter_in_flight: gauge('Waits for the filter under way now.', 'milter'),
  milter_timeout_seconds: joined('first', gauge('Time limits, as configured.', 'milter', 'limit')),
  filter_stage_duration_seconds: histogram('Time all filters of a stage took.', SECONDS, 'stage'),
  filter_overlap_ratio: histogram('Sum of the waits of a stage by the time it took.', RATIO),
  expression_evaluations_total: counter('Evaluations of conditions.', 'field', 'result'),
  expression_errors_total: counter('Conditions that could not be evaluated.', 'field', 'code'),
} as const;

const queue = {
  queue_messages: gauge('Messages in the queue.', 'state'),
  queue_recipients: gauge('Recipients that wait.', 'state'),
  queue_bytes: gauge('Bytes in the queue.', 'state'),
  queue_oldest_age_seconds: joined('max', gauge('Age of the oldest message.', 'state')),
  queue_enqueued_total: counter('Messages put into the queue.', 'source'),
  queue_removed_total: counter('Messages that left the queue.', 'reason'),
  queue_commit_duration_seconds: histogram('Time to write and sync a message before 250.', SECONDS),
  delivery_attempts_total: counter('Recipients tried, by result.', 'via', 'result'),
  delivery_attempt_duration_seconds: histogram('Time of one attempt at one destination.', SECONDS, 'via'),
  delivery_latency_seconds: histogram('Time from 250 to delivered, by recipient.', LATENCY, 'via'),
  delivery_deferrals_total: counter('Recipients put off, by where it went wrong.', 'via', 'reason'),
  delivery_connections_active: gauge('Connections to next hops open now.', 'via'),
  delivery_tls_total: counter('Connections to next hops made, by TLS version.', 'via', 'version'),
  dsn_sent_total: counter('Notices to senders put into the queue.', 'kind'),
  quarantine_messages: gauge('Messages held.'),
  quarantine_bytes: gauge('Bytes of messages held.'),
  quarantine_added_total: counter('Messages held, by the filter that wanted it.', 'milter'),
  quarantine_removed_total: counter('Held messages that were let go or given up.', 'reason'),
} as const;

const house = {
  build_info: joined('first', gauge('Version of the gateway and of Node; always 1.', 'version', 'node')),
  trace_sessions: gauge('Conversations kept in the journal.'),
  trace_dropped_bytes_total: counter('Bytes of the journal that were dropped.'),
  config_reloads_total: counter('Configurations read again.', 'result'),
  config_last_reload_success_timestamp_seconds: joined(
    'max',
    gauge('When the configuration in use was read.'),
  ),
  tls_certificate_expiry_timestamp_seconds: joined('min', gauge('When a certificate ends.', 'certificate')),
  http_requests_total: counter('Requests to the interface for operators.', 'route', 'method', 'code'),
  http_request_duration_seconds: histogram('Time to the answer of a request.', SECONDS, 'route'),
  spool_free_bytes: joined('min', gauge('Free bytes where the spool is.')),
  spool_size_bytes: joined('min', gauge('Size of the volume where the spool is.')),
  log_lines_total: counter('Lines of the log.', 'level'),
} as const;

/** Every metric by its name without the prefix. */
export const METRICS = { ...smtp, ...milter, ...queue, ...house } as const satisfies Record<
  string,
  MetricKind
>;

export type MetricName = keyof typeof METRICS;
