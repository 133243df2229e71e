/**
 * Runs one handler: its result checked, its errors turned into `onError` and logged, its time bounded.
 *
 * Never throws and never rejects; a handler without a promise costs no promise. What comes after the time was up is dropped.
 */
import { meaningOf, type Agreement, type EventName } from '#milter/protocol';
import { CONTINUE, reject, tempfail, accept, verdictOf, type Answer, type Decision } from './decisions.ts';
import type { Filter } from './definition.ts';
import { FilterError } from './errors.ts';
import type { Log } from './log.ts';
import type { SessionState } from './session.ts';

/** What a handler runs in. */
export interface Surroundings {
  readonly filter: Filter;
  readonly agreement: Agreement;
  readonly log: Log;
  readonly session: SessionState;
  /** Nobody waits for the answer any more. */
  readonly cancelled: boolean;
  /** A handler failed: none of the edits it may have asked for may be sent. */
  spoil(handler: string): void;
}

/** What `onError` makes of a fault, which is logged. What a cancelled handler throws is no fault. */
export function faultDecision(at: Surroundings, handler: string, error: unknown): Decision {
  const { definition, name } = at.filter;
  const says = error instanceof Error ? error.message : String(error);
  const queueId = at.session.macro('i') ?? '';
  if (at.cancelled)
    at.log({ level: 'info', event: 'handler.cancelled', filter: name, handler, queueId, says, error });
  else at.log({ level: 'error', event: 'handler.failed', filter: name, handler, queueId, says, error });
  at.spoil(handler);
  switch (definition.onError ?? 'tempfail') {
    case 'accept':
      return accept;
    case 'reject':
      return reject();
    case 'tempfail':
      return tempfail();
  }
}

/** Calls the handler and makes a decision of whatever it does. */
export function runHandler(
  at: Surroundings,
  event: EventName,
  handler: string,
  call: () => Answer | Promise<Answer>,
): Decision | Promise<Decision> {
  const failed = (error: unknown): Decision => faultDecision(at, handler, error);
  try {
    const result = call();
    if (!(result instanceof Promise)) return checked(at, event, result);
    return result.then((answer) => checked(at, event, answer)).catch(failed);
  } catch (error) {
    return failed(error);
  }
}

/** Tells an observer: it is waited for, but neither its result nor its error counts. */
export function runObserver(
  at: Surroundings,
  handler: string,
  observe: () => void | Promise<void>,
): Decision | Promise<Decision> {
  const failed = (error: unknown): Decision => {
    const says = error instanceof Error ? error.message : String(error);
    const queueId = at.session.macro('i') ?? '';
    at.log({
      level: 'warn',
      event: 'observer.failed',
      filter: at.filter.name,
      handler,
      queueId,
      says,
      error,
    });
    return CONTINUE;
  };
  try {
    const result = observe();
    if (!(result instanceof Promise)) return CONTINUE;
    return bounded(at, result.then(() => CONTINUE).catch(failed), () => failed(late(at, handler)));
  } catch (error) {
    return failed(error);
  }
}

/** Bounds the wait for a decision that never rejects. */
export function inTime(
  at: Surroundings,
  handler: string,
  decision: Decision | Promise<Decision>,
): Decision | Promise<Decision> {
  if (!(decision instanceof Promise)) return decision;
  return bounded(at, decision, () => {
    const error = late(at, handler);
    const instead = faultDecision(at, handler, error);
    at.session.cut(error);
    return instead;
  });
}

function late(at: Surroundings, handler: string): FilterError {
  return new FilterError(
    'handler_timeout',
    `${handler} did not answer within ${at.filter.limits.handler} ms`,
  );
}

function bounded(at: Surroundings, decision: Promise<Decision>, expired: () => Decision): Promise<Decision> {
  const bound = at.filter.limits.handler;
  if (bound === 0) return decision;
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(expired()), bound);
    void decision.then((d) => {
      clearTimeout(timer);
      resolve(d);
    });
  });
}

const KINDS: ReadonlySet<string> = new Set([
  'continue',
  'accept',
  'discard',
  'reject',
  'tempfail',
  'quarantine',
]);

function checked(at: Surroundings, event: EventName, answer: Answer): Decision {
  if (answer === undefined || answer === null) return CONTINUE;
  if (typeof answer !== 'object' || !KINDS.has(answer.kind))
    throw new FilterError('decision_not_legal', `${JSON.stringify(answer)} is no decision`);
  if (meaningOf(at.agreement, event, verdictOf(answer).kind) === null)
    throw new FilterError('decision_not_legal', `${answer.kind} means nothing at ${event}`);
  if (answer.kind === 'quarantine' && !at.session.may('quarantine'))
    throw new FilterError('action_not_granted', 'the right quarantine was not agreed on: name it in needs');
  return answer;
}
