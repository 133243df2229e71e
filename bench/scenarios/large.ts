/** A large message from a client slower than the gateway: the filter should have most of it before the final dot. */
import { startClamav } from '../../test/support/clamav.ts';
import { dkimKey, startSigner } from '../../test/support/opendkim.ts';
import { freePorts } from '../../test/support/ports.ts';
import { mustHave } from './packages.ts';
import type { Scenario } from './scenario.ts';

const BYTES = 10_000_000;
const MBIT_A_SECOND = 50;

export const large: Scenario = {
  name: 'large',
  about:
    `A message of ${BYTES / 1e6} MB, sent at ${MBIT_A_SECOND} Mbit/s, through clamav-milter and clamd (TCP, a database of ` +
    'one signature), which scans when it has everything; for comparison through OpenDKIM (signing), which works while the body ' +
    'comes, and through no filter. One session. Measured from the final dot, when all the rest has been sent.',
  async prepare(shop) {
    mustHave({ clamd: 'clamav-daemon', 'clamav-milter': 'clamav-milter', opendkim: 'opendkim' });
    const [clamav = 0, opendkim = 0] = await freePorts(2);
    await startClamav(shop.cleanup, clamav);
    await startSigner(shop.cleanup, opendkim, dkimKey('load.test'), 'relaxed/relaxed');
    const message = { bytes: BYTES, pace: MBIT_A_SECOND };
    const messages = shop.options.quick ? 2 : 5;
    return {
      lanes: [
        { name: 'scanned', filters: [{ name: 'clamav', port: clamav }] },
        { name: 'signed', filters: [{ name: 'opendkim', port: opendkim }] },
        { name: 'plain', filters: [] },
      ],
      rows: [
        { lane: 'scanned', title: `${BYTES / 1e6} MB through clamav-milter`, sessions: 1, message, messages },
        { lane: 'signed', title: 'the same through OpenDKIM', sessions: 1, message, messages },
        { lane: 'plain', title: 'the same without a filter', sessions: 1, message, messages },
      ],
      goals: [
        {
          title: 'clamav-milter, dot to 250: Millrace / Postfix',
          limit: { atMost: 0.3 },
          againstPostfix: true,
          value: (turn) => turn('millrace', 'scanned').dot.p50 / turn('postfix', 'scanned').dot.p50,
        },
      ],
    };
  },
};
