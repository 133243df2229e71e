/** Three filters that each think for 20 ms: asked side by side they should cost little more than one. */
import type { FilterAt } from '../peer.ts';
import type { Scenario } from './scenario.ts';

const THINKS_MS = 20;

export const waves: Scenario = {
  name: 'waves',
  about:
    `Filters that sleep ${THINKS_MS} ms at end of message and may add header fields; in Millrace each is given the ` +
    'original (`input: original`), Postfix asks one after the other. One session, 4 KB.',
  async prepare(shop) {
    const { ports } = await shop.filters('waves', 3, { sleepMs: THINKS_MS, onlyAdds: true });
    const chain = ports.map((port, i): FilterAt => {
      return { name: `thinks${i + 1}`, port, settings: { input: 'original' } };
    });
    const message = { bytes: 4096 };
    return {
      lanes: [
        { name: 'one', filters: chain.slice(0, 1) },
        { name: 'three', filters: chain },
      ],
      rows: [
        { lane: 'one', title: 'one filter', sessions: 1, message },
        { lane: 'three', title: 'three filters', sessions: 1, message },
      ],
      goals: [
        {
          title: 'Millrace, dot to 250: three filters / one filter',
          limit: { atMost: 1.3 },
          againstPostfix: false,
          value: (turn) => turn('millrace', 'three').dot.p50 / turn('millrace', 'one').dot.p50,
        },
      ],
    };
  },
};
