/** The filters of a usual mail server together, over TCP, as they come; and three no-op ones of either kind under load. */
import { startClamav } from '../../test/support/clamav.ts';
import { dkimKey, startSigner } from '../../test/support/opendkim.ts';
import { freePorts } from '../../test/support/ports.ts';
import { startRspamd } from '../../test/support/rspamd.ts';
import { mustHave } from './packages.ts';
import type { Scenario } from './scenario.ts';

export const real: Scenario = {
  name: 'real',
  about:
    'clamav-milter, Rspamd and OpenDKIM (signing) in this order, each seeing what the one before made of the message, 4 KB, ' +
    'one session; and three no-op filters, 20 sessions: such as answer every event, and such as take the no-reply flags. All ' +
    'over TCP, no filter changed or tuned.',
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
    const every = await shop.filters('real', 3);
    const last = shop.tools.canNoReply ? await shop.filters('real-noreply', 3, { noReply: true }) : every;
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
        { name: 'noop', filters: every.chain },
        { name: 'noreply', filters: last.chain },
      ],
      rows: [
        { lane: 'real', title: 'clamav-milter, Rspamd, OpenDKIM', sessions: 1, message },
        { lane: 'noop', title: 'three no-op filters', sessions: 20, message },
        { lane: 'noreply', title: 'three no-op filters, no-reply flags', sessions: 20, message },
      ],
      goals: [
        {
          title: 'three real filters, MAIL to 250: Millrace / Postfix',
          limit: { atMost: 1 / 6 },
          againstPostfix: true,
          value: (turn) => turn('millrace', 'real').message.p50 / turn('postfix', 'real').message.p50,
        },
        {
          title: 'three no-op filters that answer every event, 20 sessions, messages/s: Millrace / Postfix',
          limit: { atLeast: 4 },
          againstPostfix: true,
          value: (turn) => turn('millrace', 'noop').accepted / turn('postfix', 'noop').accepted,
        },
        {
          title: 'three no-op filters with no-reply flags, 20 sessions, messages/s: Millrace / Postfix',
          limit: { atLeast: 4 },
          againstPostfix: true,
          value: (turn) => turn('millrace', 'noreply').accepted / turn('postfix', 'noreply').accepted,
        },
      ],
    };
  },
};
