/** What the tests of the queue's desk share: a spool in memory with entries, a desk on it, what was said. */
import { ManualClock } from '#clock';
import { Suspensions } from '#delivery';
import { loadConfig } from '#gateway/config';
import { bodyOf, bytesOf } from '#message';
import type { NoticeFields, NoticeName } from '#notices';
import { makeQueueId, MemorySpool, type EntryMeta, type EntryRecipient } from '#spool';
import type { StageSurroundings } from '#stages';
import { makeDesk } from './desk.ts';
import { Trail } from './trail.ts';

export const START = Date.UTC(2026, 10, 22, 12, 0, 0);
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

export function to(address: string, more: Partial<EntryRecipient> = {}): EntryRecipient {
  return { address, params: [], state: 'pending', attempts: 0, lastStatus: null, ...more };
}

export function metaOf(more: Partial<EntryMeta> = {}): EntryMeta {
  return {
    id: 'm1',
    state: 'queued',
    receivedAt: START,
    sender: 'from@sender.test',
    senderParams: [],
    recipients: [to('a@one.test'), to('b@two.test')],
    origin: {
      listener: 'smtp',
      clientAddress: '192.0.2.1',
      clientName: '',
      helo: 'client.test',
      user: '',
      localPort: 25,
      source: 'smtp',
    },
    size: 100,
    due: START + HOUR,
    expiresAt: START + 5 * DAY,
    attempts: 1,
    hold: null,
    lease: null,
    ...more,
  };
}

export const heldBy = (by: string, more: Partial<EntryMeta> = {}): EntryMeta =>
  metaOf({ state: 'held', hold: { reason: 'looks odd', by }, ...more });

/** A desk over entries. `filters` are none unless given. */
export async function rig(entries: readonly EntryMeta[], filters: StageSurroundings['filters'] = []) {
  const clock = new ManualClock(START);
  const said: { name: NoticeName; fields: NoticeFields }[] = [];
  const notices = (name: NoticeName, fields: NoticeFields): void => void said.push({ name, fields });
  const spool = new MemorySpool();
  for (const meta of entries)
    await spool.commit({ meta, header: bytesOf('Subject: x\r\n'), body: bodyOf([bytesOf('body\r\n')]) });
  const loaded = loadConfig({ text: 'hostname: mx.test\n', name: 'test', base: '/' });
  if (!loaded.ok) throw new RangeError('the configuration of the test does not load');
  const { config } = loaded;
  let [woken, forgiven] = [0, 0];
  const around = { clock, notices };
  const mailerOf = () => ({ mailer: 'smtp', host: '' });
  const newId = makeQueueId(clock);
  const desk = makeDesk({
    spool,
    suspensions: new Suspensions({ ...around, file: '' }),
    trail: new Trail({ ...around, file: '' }),
    config: () => config,
    filters: () => ({ filters, hostname: 'mx.test', version: 'test', mailerOf, ...around }),
    newId,
    wake: () => woken++,
    forgive: () => forgiven++,
    ...around,
  });
  return { desk, newId, spool, clock, said, config, around, woken: () => woken, forgiven: () => forgiven };
}
