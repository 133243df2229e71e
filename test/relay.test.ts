/** Who may relay: what a stranger can say to get mail out through us (reliability S18, P13). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '#gateway/config';
import { relayPolicy } from '#intake';
import { pathOf, type Origin } from '#message';
import { Cleanup } from './support/folders.ts';
import { house } from './support/house.ts';
import { startNextHop, type TakenMessage } from './support/next-hop.ts';
import { freePort } from './support/ports.ts';
import { until } from './support/wait.ts';

const STRANGERS_ONLY = { name: 'smtp', bind: '127.0.0.1:0', relay: { domains: ['in.test'] } };

/** Ways to name somebody at ext.test, or to have a next hop read one. */
const FORMS = [
  'u@ext.test',
  'u@EXT.TEST',
  'u%ext.test@in.test',
  '"u@ext.test"@in.test',
  '"u%ext.test"@in.test',
  '"ext.test!u"@in.test',
  '"u\\@ext.test"@in.test',
  '@in.test:u@ext.test',
  '@in.test,@in.test:u@ext.test',
  '@in.test:u%ext.test@in.test',
  'u@ext.test@in.test',
  'u@in.test@ext.test',
  'ext.test!u',
  'ext.test!u@in.test',
  'in.test!u@ext.test',
  'u%ext.test',
  'u',
  'u@[127.0.0.1]',
  'u@[IPv6:::1]',
  'u@127.0.0.1',
  'u@IN.TEST.',
  'u@.in.test',
  'u@sub.in.test',
  'u@in.test.ext.test',
  'u@xin.test',
  'u@in.test,v@ext.test',
  'u@in.test>,<v@ext.test',
  'u@in.test\\@ext.test',
  'u@in.test%ext.test',
  'u@localhost',
  'postmaster@ext.test',
  'postmaster%ext.test@in.test',
];

const SENDERS = ['', 'a@out.test', 'a@in.test', 'postmaster@in.test', 'mailer-daemon@ext.test'];

test('S18: no way of writing a recipient gets a stranger’s mail out, whoever it says it is from', async (t) => {
  const cleanup = new Cleanup(t);
  const port = await freePort();
  const taken: TakenMessage[] = [];
  await startNextHop(cleanup, port, (message) => {
    taken.push(message);
    return '250 2.0.0 ok';
  });
  const h = await house(cleanup, [], {
    listeners: [STRANGERS_ONLY],
    delivery: { routes: [{ match: 'true', via: 'smtp', to: `127.0.0.1:${port}` }] },
  });
  for (const sender of SENDERS) {
    const session = await h.open();
    await session.expect(250, await session.command(`MAIL FROM:<${sender}>`));
    for (const form of FORMS) {
      const { code, text } = await session.command(`RCPT TO:<${form}>`);
      if (code === 501) assert.match(text, /^5\.(?:1\.3|5\.4) /, form);
      else if (form === 'postmaster%ext.test@in.test' || code === 550)
        assert.match(`${code} ${text}`, /^550 5\.(?:7\.1|1\.3) /, form);
      else assert.match(`${code} ${text}`, /^554 5\.7\.1 /, form);
    }
    assert.equal((await session.command('DATA')).code, 554, 'nobody was accepted');
    // The one that is meant to work does, in any case of its domain.
    for (const form of ['u@in.test', 'u@IN.Test', '@relay.test:u@in.test', 'Postmaster'])
      await session.expect(250, await session.command(`RCPT TO:<${form}>`));
    await session.expect(354, await session.command('DATA'));
    session.write('Subject: x\r\n\r\nb\r\n.\r\n');
    await session.expect(250, await session.reply());
    await session.quit();
  }
  await until('five messages', 5000, () => taken.length === SENDERS.length);
  for (const { recipients } of taken)
    assert.deepEqual(recipients.map((r) => r.toLowerCase()).toSorted(), ['postmaster', 'u@in.test']);
  const refused = h.heard.filter((n) => n.name === 'recipient.refused').map((n) => n.fields);
  assert.ok(refused.length >= SENDERS.length * 10);
  assert.ok(
    refused.some((f) => f['to'] === 'u@ext.test' && f['code'] === 554 && f['client'] === '127.0.0.1'),
  );
});

test('S18: the default configuration lets strangers reach localhost alone', () => {
  const loaded = loadConfig({ text: '{}', name: 'defaults' }, { env: {} });
  assert.ok(loaded.ok);
  assert.equal(loaded.config.listeners.length, 1);
  const { bind, relay } = loaded.config.listeners[0]!;
  assert.deepEqual(bind, [{ kind: 'tcp', host: '127.0.0.1', port: 2525 }]);
  const policy = relayPolicy(relay.networks, relay.domains);
  for (const remoteAddress of [
    '192.0.2.1',
    '10.0.0.1',
    '2001:db8::1',
    '126.255.255.255',
    '128.0.0.1',
    '::2',
  ]) {
    const trusted = policy.trusts({ remoteAddress, user: '' } as Origin);
    assert.equal(trusted, false, remoteAddress);
    for (const form of FORMS.filter((f) => !f.endsWith('@localhost')))
      assert.ok(policy.refusal(trusted, pathOf(form)), form);
    assert.equal(policy.refusal(trusted, pathOf('u@localhost')), null);
  }
});
