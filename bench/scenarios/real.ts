/** The filters of a usual mail server together, over TCP, as they come; and three no-op ones under load. */
import { startClamav } from '../../test/support/clamav.ts';
import { dkimKey, startSigner } from '../../test/support/opendkim.ts';
import { freePorts } from '../../test/support/ports.ts';
import { startRspamd } from '../../test/support/rspamd.ts';
import type { FilterAt } from '../peer.ts';
import { mustHave } from './packages.ts';
import type { Scenario } from './scenario.ts';

export const real: Scenario = {
  name: 'real',
  about:
    'clamav-milter, Rspamd and OpenDKIM (signing) in this order, each seeing what the one before made of the message, 4 KB, ' +
    'one session; and three no-op filters, 20 sessions. All over TCP, no filter changed or tuned.',
  async prepare(shop) {
    mustHave({
      clamd: 'clamav-daemon',
      'clamav-milter': 'clamav-milter',
      rspamd: 'rspamd',
      opendkim: 'opendkim',
    });
    const [clamav = 0, rspamd = 0, opendkim = 0] = await freePorts(3);
    await startClamav(shop.cleanup, clamav);
    await startRspamd(shop.cleanup, rspamd);
    await startSigner(shop.cleanup, opendkim, dkimKey('load.test'), 'relaxed/relaxed');
    const noops = await shop.filters('real', 3);
    const message = { bytes: 4096 };
    return {
      lanes: [
        {
          name: 'real',
          filters: [
            { name: 'clamav', port: clamav },
            { name: 'rspamd', port: rspamd },
            { name: 'opendkim', port: opendkim },
          ],
        },
        { name: 'noop', filters: noops.ports.map((port, i): FilterAt => ({ name: `noop${i + 1}`, port })) },
      ],
      rows: [
        { lane: 'real', title: 'clamav-milter, Rspamd, OpenDKIM', sessions: 1, message },
        { lane: 'noop', title: 'three no-op filters', sessions: 20, message },
      ],
      goals: [
        {
          title: 'three real filters, MAIL to 250: Millrace / Postfix',
          limit: { atMost: 1 / 6 },
          againstPostfix: true,
          value: (turn) => turn('millrace', 'real').message.p50 / turn('postfix', 'real').message.p50,
        },
        {
          title: 'three no-op filters, 20 sessions, messages/s: Millrace / Postfix',
          limit: { atLeast: 4 },
          againstPostfix: true,
          value: (turn) => turn('millrace', 'noop').accepted / turn('postfix', 'noop').accepted,
        },
      ],
    };
  },
};
