/** Values that may be here already: what needs no promise gets none. */
import type { Awaitable } from './environment.ts';

/** Goes on at once when the value is here, by promise otherwise. */
export function then<T, U>(value: Awaitable<T>, go: (value: T) => Awaitable<U>): Awaitable<U> {
  return value instanceof Promise ? value.then(go) : go(value);
}
