// What is done with entries that are held: results that a full spool cannot take, and leases that may be lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemorySpool, SpoolError } from '#spool';
import type { NewEntry } from '#spool';
import { NEVER, OK, agentThat, entryTo, rigWith, until } from './rig.cases.ts';

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
