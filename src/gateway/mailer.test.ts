import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '#gateway/config';
import { environmentFor } from './environment.ts';
import { mailerOf } from './mailer.ts';

test('the mailer macros speak of the first route that takes the address; by MX it is the address’s own domain', () => {
  const routes = [
    { match: "rcpt_domain == 'hop.test'", via: 'smtp', to: ['next.test:25', '192.0.2.1'] },
    { match: "rcpt_domain == 'local.test'", via: 'maildir', to: '/var/mail' },
    { match: "rcpt_domain == 'gone.test'", via: 'discard' },
    { match: "rcpt_domain == 'out.test'", via: 'mx' },
  ];
  const loaded = loadConfig({ text: JSON.stringify({ delivery: { routes } }), name: 'test', base: '/tmp' });
  assert.ok(loaded.ok);
  const mailer = mailerOf(
    loaded.config.delivery.routes,
    environmentFor('mx.test', () => 0),
  );
  assert.deepEqual(mailer('u@hop.test'), { mailer: 'smtp', host: 'next.test' });
  assert.deepEqual(mailer('u@local.test'), { mailer: 'local', host: 'local.test' });
  assert.deepEqual(mailer('u@gone.test'), { mailer: 'discard', host: 'gone.test' });
  assert.deepEqual(mailer('u@Out.Test'), { mailer: 'smtp', host: 'Out.Test' });
  assert.deepEqual(mailer('u@no-route.test'), { mailer: 'smtp', host: 'no-route.test' });
});
