/**
 * A program that fills a spool with small messages, many to a sync: `fill-queue.ts DIR COUNT SOON`. The first SOON of them are due
 * at once, the others within the hour after the next. The gateway must not run meanwhile.
 */
import { bodyOf, bytesOf } from '#message';
import { makeQueueId, openLmdbSpool, type EntryMeta } from '#spool';

/** Entries that share a sync. */
const GROUP = 5000;
const HOUR = 3_600_000;

const [, , dir = '', count = '0', soon = '0'] = process.argv;
const clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after: (): never => {
    throw new Error('nothing here waits');
  },
};
const newId = makeQueueId(clock);
const store = await openLmdbSpool({ dir, clock, notices: () => undefined });
const now = Date.now();
for (let made = 0; made < Number(count); made += GROUP) {
  const group = Array.from({ length: Math.min(GROUP, Number(count) - made) }, (_, i) => entry(made + i));
  await Promise.all(group.map((each) => store.commit(each)));
}
await store.close();

function entry(n: number): Parameters<typeof store.commit>[0] {
  const header = bytesOf(`From: <s${n}@load.test>\r\nSubject: ${n}\r\n`);
  const body = bodyOf([bytesOf(`This is message ${n}.\r\n`)]);
  const recipient = {
    address: `r${n}@in.test`,
    params: [],
    state: 'pending',
    attempts: 0,
    lastStatus: null,
  } as const;
  const meta: EntryMeta = {
    id: newId(),
    state: 'queued',
    receivedAt: now,
    sender: `s${n}@load.test`,
    senderParams: [],
    recipients: [recipient],
    origin: {
      listener: 'smtp',
      clientAddress: '127.0.0.1',
      clientName: 'client.test',
      helo: 'client.test',
      user: '',
      localPort: 25,
      source: 'smtp',
    },
    size: header.length + 2 + body.size,
    due: n < Number(soon) ? now : now + HOUR + (n % HOUR),
    expiresAt: now + 100 * HOUR,
    attempts: 0,
    hold: null,
    lease: null,
  };
  return { meta, header, body };
}
