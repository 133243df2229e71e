/** Going on with an answer that may be there already: without a promise when it is, so the usual case costs nothing. */
import type { Awaitable } from './handler.ts';

/** `go` with the value of `answer`, at once when it is no promise. */
export function after<T, R>(answer: Awaitable<T>, go: (value: T) => Awaitable<R>): Awaitable<R> {
  return answer instanceof Promise ? answer.then(go) : go(answer);
}
