// What is done with entries that are held: results that a full spool cannot take, and leases that may be lost.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ManualClock } from '#clock';
import { silent } from '#notices';
import { MemorySpool, openLmdbSpool, SpoolError } from '#spool';
import type { NewEntry } from '#spool';
import { LEASE_MS } from './options.ts';
import { MINUTE, NEVER, OK, START, agentThat, entryTo, rigWith, until } from './rig.cases.ts';

test('a notice for which a full disk has no room is made again without the message', async () => {
  const sizes: number[] = [];
  const notices: NewEntry[] = [];
  class Full extends MemorySpool {
    override async settle(...args: Parameters<MemorySpool['settle']>): Promise<boolean> {
      for (const notice of args[3] ?? []) {
        sizes.push(notice.body.size);
        notices.push(notice);
        if (notice.body.size > 10_000) throw new SpoolError('full', 'no room');
      }
      return super.settle(...args);
    }
  }
  const agent = agentThat((_, { entry }) => (entry.sender === '' ? OK : NEVER));
  const rig = rigWith(agent, { spool: new Full() });
  await rig.spool.commit(entryTo(['a@x'], {}, `Subject: ${'x'.repeat(20_000)}\r\n`));
  rig.delivery.wake();
  await until(async () => (await rig.spool.get('m1')) === null);
  assert.equal(sizes.length, 2);
  assert.ok(sizes[0]! > 20_000 && sizes[1]! < 10_000);
  const [body] = notices[1]!.body.chunks!;
  assert.ok(Buffer.from(body!).includes('Final-Recipient: rfc822; a@x'));
  assert.equal(rig.names().filter((name) => name === 'delivery.notice-made').length, 1);
  await rig.delivery.stop(0);
});

/** Waits for work of the disk too. */
async function comes(what: () => unknown): Promise<void> {
  for (let waited = 0; !what(); waited += 5) {
    assert.ok(waited < 20_000, `never came: ${what.toString()}`);
    await new Promise((go) => setTimeout(go, 5));
  }
}

/** A clock of a process that can be stopped: time goes on, and its timers do not come. */
class Stoppable extends ManualClock {
  missed = 0;
  override now(): number {
    return super.now() + this.missed;
  }
}

test('a process that was stopped begins no attempt on leases that others have by then', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'holding-'));
  t.after(() => rm(dir, { recursive: true }));
  const options = { dir, notices: silent, clock: new ManualClock(START) };
  const ours = await openLmdbSpool({ ...options, owner: 'us' });
  const theirs = await openLmdbSpool({ ...options, owner: 'them' });
  const copies: string[] = [];
  let goOn!: () => void;
  const hanging = new Promise<void>((go) => (goOn = go));
  const clock = new Stoppable(START);
  const first = agentThat(async (_, { entry }) => {
    if (entry.id === 'm1') await hanging;
    copies.push(`us ${entry.id}`);
    return OK;
  });
  const us = rigWith(first, { spool: ours, clock, concurrency: { total: 10, perDestination: 1 } });
  for (const id of ['m1', 'm2', 'm3']) await ours.commit(entryTo(['a@x'], { id }));
  us.delivery.wake();
  await comes(() => us.delivery.inFlight === 3 && first.attempts.length === 1);

  clock.missed = LEASE_MS + MINUTE;
  const late = START + clock.missed;
  const [, lost] = (await theirs.claim('them', late, LEASE_MS, 2)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  assert.equal(lost!.id, 'm2');
  copies.push('them m2');
  goOn();
  await comes(() => us.delivery.inFlight === 0);
  assert.deepEqual(copies, ['them m2', 'us m1', 'us m3']);
  assert.equal((await theirs.get('m2'))!.lease!.owner, 'them');
  assert.equal(await theirs.get('m3'), null, 'a lease that was over and that nobody took is renewed');
  assert.ok(us.names().includes('delivery.lease-lost'));
  await us.delivery.stop(0);
  await ours.close();
  await theirs.close();
});

test('while a spool cannot renew, attempts begin until the lease is over and not after', async () => {
  class Sick extends MemorySpool {
    override claim(): Promise<never[]> {
      return Promise.resolve([]);
    }

    override renew(): Promise<never> {
      return Promise.reject(new SpoolError('io', 'disk'));
    }
  }
  for (const [age, begun] of [
    [LEASE_MS - 1, true],
    [LEASE_MS, false],
  ] as const) {
    const clock = new Stoppable(START);
    const agent = agentThat(() => OK);
    const rig = rigWith(agent, { spool: new Sick(), clock });
    const lease = { owner: 'us', token: 't', until: START + LEASE_MS };
    const entry = entryTo(['a@x'], { state: 'leased', lease });
    await rig.spool.commit(entry);
    clock.missed = age;
    rig.delivery.offer(entry.meta, entry);
    await until(() => rig.delivery.inFlight === 0);
    assert.equal(agent.attempts.length, begun ? 1 : 0, `${age}`);
    await rig.delivery.stop(0);
  }
});
