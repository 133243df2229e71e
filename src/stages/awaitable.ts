/** Values that may be here already: a connection without filters never waits for a promise. */

/** Now or later. */
export type Awaitable<T> = T | Promise<T>;

/** Continues at once when the value is here, by promise otherwise. */
export function settled<T, U>(value: Awaitable<T>, then: (value: T) => Awaitable<U>): Awaitable<U> {
  return value instanceof Promise ? value.then(then) : then(value);
}
