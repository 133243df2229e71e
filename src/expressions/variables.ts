/**
 * The variables an expression may read, by the place it stands in (reference 3).
 *
 * One row per name: its type, and from which stage of a connection on it can be known. Pure data.
 */

/** Where an expression stands: a milter's `enable`, or the `match` of a delivery route. */
export type VariableSet = 'enable' | 'route';

/** What a variable holds. */
export type VariableType = 'text' | 'integer' | 'array';

/** The stages of a connection, in the order in which things become known. */
export const STAGE_ORDER = ['connect', 'ehlo', 'auth', 'mail', 'rcpt', 'data'] as const;

/** A variable of a set. */
export interface VariableRow {
  readonly type: VariableType;
  /** First stage at which it can be other than empty (reference 3.2); null when that question has no meaning. */
  readonly since: (typeof STAGE_ORDER)[number] | null;
}

const row = (type: VariableType, since: VariableRow['since'] = null): VariableRow => ({ type, since });

/** MtaRcptToVariable (reference 3.1). */
const ENABLE: ReadonlyMap<string, VariableRow> = new Map([
  ['listener', row('text', 'connect')],
  ['remote_ip', row('text', 'connect')],
  ['remote_port', row('integer', 'connect')],
  ['local_ip', row('text', 'connect')],
  ['local_port', row('integer', 'connect')],
  ['protocol', row('text', 'connect')],
  ['is_tls', row('integer', 'connect')],
  ['asn', row('integer', 'connect')],
  ['country', row('text', 'connect')],
  ['helo_domain', row('text', 'ehlo')],
  ['authenticated_as', row('text', 'auth')],
  ['sender', row('text', 'mail')],
  ['sender_domain', row('text', 'mail')],
  ['priority', row('integer', 'mail')],
  ['rcpt', row('text', 'rcpt')],
  ['rcpt_domain', row('text', 'rcpt')],
  ['recipients', row('array', 'rcpt')],
]);

/** The part of MtaQueueRcptVariable that a route is decided by (reference 3.3). */
const ROUTE: ReadonlyMap<string, VariableRow> = new Map([
  ['rcpt', row('text')],
  ['rcpt_domain', row('text')],
  ['recipients', row('array')],
  ['sender', row('text')],
  ['sender_domain', row('text')],
  ['priority', row('integer')],
  ['retry_num', row('integer')],
  ['queue_age', row('integer')],
  ['received_from_ip', row('text')],
  ['received_via_port', row('integer')],
  ['source', row('text')],
  ['size', row('integer')],
]);

/** Names of the specification's queue set that nothing of ours can read yet. */
const ELSEWHERE = ['notify_num', 'expires_in', 'last_status', 'last_error', 'queue_name'] as const;

/** The variables of a set by name. */
export function variablesOf(set: VariableSet): ReadonlyMap<string, VariableRow> {
  return set === 'enable' ? ENABLE : ROUTE;
}

/** Whether a name is a variable somewhere, though perhaps not in the set at hand. */
export function existsSomewhere(name: string): boolean {
  return ENABLE.has(name) || ROUTE.has(name) || ELSEWHERE.some((known) => known === name);
}

/** Whether a variable can be known at a stage. Unknown stage names say yes: their error is reported elsewhere. */
export function knownAt(variable: VariableRow, stage: string): boolean {
  const at = STAGE_ORDER.findIndex((name) => name === stage);
  return variable.since === null || at < 0 || at >= STAGE_ORDER.indexOf(variable.since);
}
