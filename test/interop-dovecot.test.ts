/** Dovecot's LMTP server as the next hop: an answer for each recipient, over TCP and a unix socket (reliability Q04). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDovecot } from './support/dovecot.ts';
import { Cleanup } from './support/folders.ts';
import { arrived, readMaildir } from './support/maildir.ts';
import { needsRoot, skipWithoutFiles } from './support/processes.ts';
import { relayScene } from './support/relay-scene.ts';

const skip = skipWithoutFiles('/usr/lib/dovecot/lmtp') || needsRoot('a start of Dovecot');

test('Q04: Dovecot delivers, refuses and defers each recipient apart', { skip }, async (t) => {
  const cleanup = new Cleanup(t);
  const dovecot = await startDovecot(cleanup);
  const s = await relayScene(
    cleanup,
    {
      'tcp.test': { hops: [], route: { via: 'lmtp', to: `127.0.0.1:${dovecot.port}` } },
      'unix.test': { hops: [], route: { via: 'lmtp', to: `unix:${dovecot.socket}`, tls: 'opportunistic' } },
    },
    { retry: ['1h'] },
  );
  for (const domain of ['tcp.test', 'unix.test']) {
    const content = `Subject: ${domain}\r\n\r\n.a line with a dot\r\n${'x'.repeat(900)}\r\n`;
    for (let i = 0; i < 3; i++)
      await s.send(domain, ['alice', 'nobody', 'full', 'bob'], 'a@out.test', content);
    await s.finished(domain, 9);
    const told = s.told(domain);
    for (const [line, count] of [
      ['delivered 250 2.0.0 alice', 3],
      ['delivered 250 2.0.0 bob', 3],
      ['failed 550 5.1.1 nobody', 3],
    ] as const)
      assert.equal(told.filter((l) => l === line).length, count, told.join('\n'));
    const full = told.filter((l) => l.endsWith(' full'));
    assert.equal(full.length, 3);
    assert.ok(
      full.every((l) => /^(failed 552 5|deferred 452 4)\.2\.2 full$/.test(l)),
      full.join('\n'),
    );
    for (const user of ['alice', 'bob']) {
      const message = await arrived(dovecot.mailbox(user), domain, (m) => m.field('Subject')[0] === domain);
      assert.deepEqual(message.field('Return-Path'), ['<a@out.test>']);
      assert.match(message.text, /\n\n\.a line with a dot\nx{900}\n$/);
      const all = await readMaildir(dovecot.mailbox(user));
      assert.equal(all.filter((m) => m.field('Subject')[0] === domain).length, 3);
    }
  }
});
