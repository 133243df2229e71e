import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '#clock';
import { silent } from '#notices';
import type { SmtpPool } from '#smtp/client';
import { Destinations } from './destinations.ts';
import type { MailHost } from './find-hosts.ts';

function destinations(maxUnused?: number): Destinations {
  const clock = new ManualClock();
  const how = { hostname: 'us.test', tls: 'off', port: 25, random: () => 0, clock, notices: silent } as const;
  return new Destinations(how, maxUnused);
}

const host = (name: string, preference: number, more: Partial<MailHost> = {}): MailHost => ({
  name,
  preference,
  addresses: ['192.0.2.1'],
  tls: 'off',
  ...more,
});

const poolOf = (all: Destinations, ...hosts: MailHost[]): Promise<SmtpPool> =>
  all.use(hosts, (pool) => Promise.resolve(pool));

test('domains with the same hosts in the same order share connections, others do not', async () => {
  const all = destinations();
  const pool = await poolOf(all, host('a.test', 1), host('b.test', 2));
  const same = [
    [host('a.test', 10), host('b.test', 20)],
    [host('a.test', 1, { addresses: ['192.0.2.2'] }), host('b.test', 2)],
  ];
  for (const hosts of same) assert.equal(await poolOf(all, ...hosts), pool);
  const other = [
    [host('a.test', 1), host('b.test', 1)],
    [host('a.test', 1)],
    [host('b.test', 1), host('a.test', 2)],
    [host('a.test', 1, { tls: 'require' }), host('b.test', 2)],
  ];
  for (const hosts of other) assert.notEqual(await poolOf(all, ...hosts), pool);
  assert.equal(all.size, 5);
});

test('equal hosts are the same destination however they are listed', async () => {
  const all = destinations();
  const pool = await poolOf(all, host('a.test', 1), host('b.test', 1));
  assert.equal(await poolOf(all, host('b.test', 7), host('a.test', 7)), pool);
});

test('what nobody uses is let go when there is too much of it, that which was used longest ago first', async () => {
  for (const max of [0, 1, 2]) {
    const all = destinations(max);
    for (const name of ['a', 'b', 'a', 'c']) await poolOf(all, host(name, 1));
    assert.equal(all.size, max, `${max}`);
  }
  const all = destinations(2);
  const a = await poolOf(all, host('a', 1));
  const b = await poolOf(all, host('b', 1));
  await poolOf(all, host('a', 1));
  await poolOf(all, host('c', 1));
  assert.equal(await poolOf(all, host('a', 1)), a);
  assert.notEqual(await poolOf(all, host('b', 1)), b);
});

test('what is in use stays, however much it is', async () => {
  const all = destinations(0);
  let end = (): void => undefined;
  const using = all.use([host('a', 1)], (pool) => new Promise<SmtpPool>((r) => (end = () => r(pool))));
  await poolOf(all, host('b', 1));
  assert.equal(all.size, 1);
  const pool = await poolOf(all, host('a', 1));
  end();
  assert.equal(await using, pool);
  assert.equal(all.size, 0);
});

test('after the end every answer is temporary', async () => {
  const all = destinations();
  await all.close();
  const message = { sender: '', senderParams: [], header: new Uint8Array(), size: 0 };
  const recipients = [{ address: 'u@d.test', params: [] }];
  const body = { size: 0, chunks: [], read: () => [] } as never;
  const statuses = await all.use([host('a', 1)], (pool) => pool.send({ ...message, recipients, body }));
  assert.deepEqual(
    statuses.map((s) => s.code),
    [451],
  );
});
