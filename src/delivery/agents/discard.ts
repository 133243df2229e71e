/** Delivers to nowhere, by explicit order of a route. Every recipient is delivered at once; the bytes are not looked at. */
import { status } from '#message';
import type { Agent } from '../agent.ts';

const DISCARDED = status(250, '2.0.0', 'discarded by order of the route');

export function makeDiscardAgent(): Agent {
  return {
    deliver: ({ recipients }) =>
      Promise.resolve(recipients.map(({ address }) => ({ address, status: DISCARDED }))),
    close: () => Promise.resolve(),
  };
}
