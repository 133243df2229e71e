import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '#gateway/config';
import { environmentFor } from './environment.ts';
import { certainRouteOf, mailerOf } from './mailer.ts';

const environment = environmentFor('mx.test', () => 0);

test('the mailer macros speak of the first route that takes the address; by MX it is the address’s own domain', () => {
  const routes = [
    { match: "rcpt_domain == 'hop.test'", via: 'smtp', to: ['next.test:25', '192.0.2.1'] },
    { match: "rcpt_domain == 'local.test'", via: 'maildir', to: '/var/mail' },
    { match: "rcpt_domain == 'gone.test'", via: 'discard' },
    { match: "rcpt_domain == 'out.test'", via: 'mx' },
  ];
  const loaded = loadConfig({ text: JSON.stringify({ delivery: { routes } }), name: 'test', base: '/tmp' });
  assert.ok(loaded.ok);
  const mailer = mailerOf(loaded.config.delivery.routes, environment);
  assert.deepEqual(mailer('u@hop.test'), { mailer: 'smtp', host: 'next.test' });
  assert.deepEqual(mailer('u@local.test'), { mailer: 'local', host: 'local.test' });
  assert.deepEqual(mailer('u@gone.test'), { mailer: 'discard', host: 'gone.test' });
  assert.deepEqual(mailer('u@Out.Test'), { mailer: 'smtp', host: 'Out.Test' });
  assert.deepEqual(mailer('u@no-route.test'), { mailer: 'smtp', host: 'no-route.test' });
});

test('a route is certain when all conditions up to it can be decided from the address', () => {
  const routes = [
    { match: "rcpt_domain == 'a.test' && size > 1000", via: 'smtp', to: 'large.test' },
    { match: "rcpt_domain == 'b.test' && len(recipients) > 1", via: 'smtp', to: 'many.test' },
    { match: "rcpt_domain == 'd.test' || source == 'dsn'", via: 'smtp', to: 'd-hop.test' },
    { match: 'true', via: 'smtp', to: 'rest.test' },
  ];
  const loaded = loadConfig({ text: JSON.stringify({ delivery: { routes } }), name: 'test', base: '/tmp' });
  assert.ok(loaded.ok);
  const find = certainRouteOf(loaded.config.delivery.routes, environment);
  const hopFor = (address: string): string | undefined => {
    const route = find(address);
    return route?.via === 'smtp' ? route.to[0]!.host : undefined;
  };
  assert.equal(hopFor('u@a.test'), undefined, 'it is the size that decides');
  assert.equal(hopFor('u@b.test'), undefined, 'it is the other recipients that decide');
  assert.equal(hopFor('u@d.test'), 'd-hop.test', 'the rest of the condition does not matter');
  assert.equal(hopFor('u@c.test'), undefined, 'a notice would go elsewhere');
  const sure = certainRouteOf(loaded.config.delivery.routes.toSpliced(2, 1), environment);
  assert.equal(sure('u@c.test'), loaded.config.delivery.routes[3]);
});
