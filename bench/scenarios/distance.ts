/** A filter in another building: how often a message's content has to wait for the way there and back. */
import { startDistance } from '../../test/support/distance.ts';
import type { Scenario } from './scenario.ts';

const ONE_WAY_MS = 1;
const FIELDS = 40;

export const distance: Scenario = {
  name: 'distance',
  about:
    `A no-op filter without no-reply flags, ${2 * ONE_WAY_MS} ms there and back behind a proxy that delays both directions. ` +
    `4 KB with ${FIELDS} header fields, one session. A wait is a change from speaking to listening between the first header ` +
    'field and the verdict, seen at the proxy; the frames that only carry an acknowledgement count too.',
  async prepare(shop) {
    const { ports } = await shop.filters('distance', 1);
    const way = await startDistance(shop.cleanup, ports[0] ?? 0, ONE_WAY_MS);
    return {
      lanes: [{ name: 'far', filters: [{ name: 'far', port: way.port }] }],
      rows: [
        {
          lane: 'far',
          title: `${FIELDS} header fields, ${2 * ONE_WAY_MS} ms away`,
          sessions: 1,
          message: { bytes: 4096, fields: FIELDS },
        },
      ],
      goals: [
        {
          title: 'Millrace, waits for the content of a message (the most of any)',
          limit: { atMost: 3 },
          againstPostfix: false,
          value: (turn) => Math.max(...turn('millrace', 'far').waits),
        },
      ],
      waits: () => way.contents().map(({ waits, nudges }) => waits + nudges),
    };
  },
};
