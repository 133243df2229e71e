import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { isTemporary } from '#message';
import type { PoolOptions } from './pool.ts';
import { SmtpPool } from './pool.ts';
import { CONTENT, codes, machineClock, messageTo, poolTo } from './rig.cases.ts';
import { startHop } from './scripted-hop.cases.ts';
import type { HopScript } from './scripted-hop.cases.ts';

async function rig(t: TestContext, scripts: readonly HopScript[], more: Partial<PoolOptions> = {}) {
  const hops = await Promise.all(scripts.map((s) => startHop({ lmtp: true, ...s })));
  const pool = poolTo(hops, { protocol: 'lmtp', ...more });
  t.after(async () => {
    await pool.close();
    await Promise.all(hops.map((h) => h.close()));
  });
  return { hops, hop: hops[0]!, pool };
}

const five = ['a@x', 'b@x', 'c@x', 'd@x', 'e@x'];

test('LMTP begins with LHLO and every recipient has an answer of its own after the dot', async (t) => {
  for (const offers of [['PIPELINING'], []]) {
    const { hop, pool } = await rig(t, [{ offers }]);
    assert.deepEqual(codes(await pool.send(messageTo(['a@x', 'b@y']))), [250, 250]);
    assert.deepEqual(hop.sessions[0]!.lines, [
      'LHLO us.test',
      'MAIL FROM:<from@test>',
      'RCPT TO:<a@x>',
      'RCPT TO:<b@y>',
      'DATA',
    ]);
    assert.equal(hop.delivered[0]!.content, CONTENT);
  }
});

test('answers are counted for accepted recipients only, in order, and the connection is used again (Q04)', async (t) => {
  const { hop, pool } = await rig(t, [
    {
      command: (l) => (l.includes('b@x') ? '550 5.1.1 no' : l.includes('d@x') ? '452 4.2.2 full' : undefined),
      content: () => '250 one\r\n450 4.2.0 later\r\n552 5.2.2 over quota',
    },
  ]);
  for (let i = 0; i < 3; i++)
    assert.deepEqual(codes(await pool.send(messageTo(five))), [250, 550, 450, 452, 552]);
  assert.equal(hop.sessions.length, 1);
});

test('who has no answer when the connection is lost is temporary, and asked nowhere else (Q04)', async (t) => {
  const { hops, pool } = await rig(t, [
    { content: () => '250 a\r\n450 4.2.0 b\r\n550 5.2.1 c\r\n250 d<close>' },
    {},
  ]);
  const statuses = await pool.send(messageTo(five));
  assert.deepEqual(codes(statuses), [250, 450, 550, 250, 451]);
  assert.equal(statuses[4]!.enhanced, '4.4.2');
  assert.equal(hops[1]!.sessions.length, 0, 'the content may have been taken for the last one');
});

test('a 421 is the answer of one recipient, and those behind it still count', async (t) => {
  for (const [replies, expected] of [
    ['250 a\r\n421 4.3.2 b\r\n250 c\r\n250 d\r\n250 e', [250, 421, 250, 250, 250]],
    ['250 a\r\n421 4.3.2 closing<close>', [250, 421, 421, 421, 421]],
  ] as const) {
    const { pool } = await rig(t, [{ content: () => replies }]);
    assert.deepEqual(codes(await pool.send(messageTo(five))), expected);
    assert.equal(pool.connections, 0);
  }
});

test('an answer too many is never believed', async (t) => {
  const { pool } = await rig(t, [{ content: () => '250 a\r\n250 b\r\n250 c' }]);
  assert.deepEqual(codes(await pool.send(messageTo(['a@x', 'b@x']))), [250, 250]);
  assert.equal(pool.connections, 0, 'the connection is out of step');
});

test('a 354 although no recipient was taken sends nothing', async (t) => {
  const { hop, pool } = await rig(t, [
    {
      command: (l) => (l.startsWith('RCPT') ? '550 5.1.1 no' : l === 'DATA' ? '354 go' : undefined),
      content: () => '250 taken',
    },
  ]);
  assert.deepEqual(codes(await pool.send(messageTo(['a@x']))), [550]);
  assert.equal(hop.delivered.length, 0);
});

test('a host that does not know LHLO is no LMTP server: temporary, and HELO is not said', async (t) => {
  const { hop, pool } = await rig(t, [{ command: (l) => (l.startsWith('LHLO') ? '500 what' : undefined) }]);
  assert.ok(isTemporary((await pool.send(messageTo(['a@x'])))[0]!));
  assert.ok(hop.sessions[0]!.lines.every((l) => !l.startsWith('HELO')));
});

test('a unix socket carries LMTP, and opportunistic TLS is not asked for there', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-lmtp-'));
  const path = join(folder, 'lmtp');
  const hop = await startHop({ lmtp: true, path, offers: ['PIPELINING', 'STARTTLS'] });
  const pool = new SmtpPool({
    hops: [{ name: 'localhost', port: 0, path }],
    protocol: 'lmtp',
    hostname: 'us.test',
    tls: 'opportunistic',
    source: '127.0.0.9',
    clock: machineClock,
    notices: () => {},
  });
  t.after(async () => {
    await pool.close();
    await hop.close();
    rmSync(folder, { recursive: true });
  });
  for (let i = 0; i < 5; i++) assert.deepEqual(codes(await pool.send(messageTo(['a@x', 'b@x']))), [250, 250]);
  assert.equal(hop.sessions.length, 1);
  assert.equal(hop.delivered.length, 5);
  assert.ok(!hop.sessions[0]!.lines.includes('STARTTLS'));
});
