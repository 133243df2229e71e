import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, bodyOf, latin1 } from '#message';
import type { NewEntry } from '#spool';
import { lateOnes, notPastNotice, toBeToldOfDelay } from './delay.ts';
import { delayNotice } from './dsn.ts';
import { DAY, LATER, MINUTE, OK, START, agentThat, calm, entryTo, rigWith, until } from './rig.cases.ts';

const HOUR = 60 * MINUTE;

async function textOf({ header, body }: NewEntry): Promise<string> {
  const chunks: string[] = [latin1(header), '\r\n'];
  for await (const chunk of body.read()) chunks.push(latin1(chunk));
  return chunks.join('');
}

test('those who wait are told of but where NOTIFY does not ask for it, nobody about the null sender, nobody twice', () => {
  const params = [
    [],
    ['NOTIFY=NEVER'],
    ['NOTIFY=SUCCESS,FAILURE'],
    ['notify=failure,delay'],
    ['NOTIFY=DELAY'],
  ];
  const { meta } = entryTo(params.map((_, n) => `r${n}@x`));
  const all = [
    ...meta.recipients.map((r, n) => ({ ...r, params: params[n]! })),
    { ...meta.recipients[0]!, state: 'failed' as const },
  ];
  const told = (more: object): string[] => toBeToldOfDelay({ ...meta, ...more }, all).map((r) => r.address);
  assert.deepEqual(told({}), ['r0@x', 'r3@x', 'r4@x']);
  assert.deepEqual(told({ sender: '' }), []);
  assert.deepEqual(told({ delayTold: true }), []);
});

test('a message is late from its age on until its end, and never with 0', () => {
  const { meta } = entryTo(['a@x']);
  const late = (now: number, age: number): number => lateOnes(meta, meta.recipients, { now, age }).length;
  assert.deepEqual([late(START + HOUR - 1, HOUR), late(START + HOUR, HOUR)], [0, 1]);
  assert.equal(late(START + DAY, 0), 0);
  assert.deepEqual([late(meta.expiresAt - 1, HOUR), late(meta.expiresAt, HOUR)], [1, 0]);
});

test('an attempt is brought forward to the notice, and nothing else is', () => {
  const { meta } = entryTo(['a@x']);
  const due = (at: number, now: number, age: number, entry = meta): number =>
    notPastNotice(entry, entry.recipients, START + at, { now: START + now, age });
  assert.equal(due(3 * HOUR, HOUR, 2 * HOUR), START + 2 * HOUR);
  assert.equal(due(2 * HOUR, HOUR, 2 * HOUR), START + 2 * HOUR);
  assert.equal(due(3 * HOUR, 2 * HOUR, 2 * HOUR), START + 3 * HOUR);
  assert.equal(due(3 * HOUR, HOUR, 0), START + 3 * HOUR);
  assert.equal(due(3 * HOUR, HOUR, 2 * HOUR, { ...meta, sender: '' }), START + 3 * HOUR);
});

test('one notice of delay for each message, at its age, then silence until it is given up', async () => {
  let n = 0;
  const rig = rigWith(
    agentThat((_, { entry }) => (entry.sender === '' ? OK : LATER)),
    { retry: [3 * HOUR], notifyDelay: 4 * HOUR, newId: () => `notice${++n}` },
  );
  await rig.spool.commit(entryTo(['a@x', 'b@x']));
  rig.delivery.wake();
  const made = (): number => rig.names().filter((name) => name === 'delivery.notice-made').length;
  const tried = (): number => rig.names().filter((name) => name === 'delivery.deferred').length / 2;
  const back = async (attempts: number): Promise<void> =>
    until(async () => tried() === attempts && (await rig.spool.get('m1'))?.state === 'queued');
  await back(1);
  rig.clock.advance(3 * HOUR);
  await back(2);
  assert.equal(made(), 0);
  assert.equal((await rig.spool.get('m1'))!.due, START + 4 * HOUR, 'not an hour late');
  rig.clock.advance(HOUR);
  await back(3);
  assert.equal(made(), 1);
  const entry = (await rig.spool.get('m1'))!;
  assert.deepEqual([entry.delayTold, entry.due], [true, START + 7 * HOUR]);
  for (let attempts = 4; attempts < 10; attempts++) {
    rig.clock.advance(3 * HOUR);
    await back(attempts);
  }
  assert.equal(made(), 1);
  rig.clock.advance(5 * DAY);
  await until(async () => (await rig.spool.get('m1')) === null);
  assert.equal(made(), 2, 'and that it was given up');
  await calm();
  await rig.delivery.stop(0);
});

test('a notice of delay says until when it will be tried, and gives the header back', async () => {
  const entry = entryTo(['a@x', 'b@x'], { expiresAt: START + DAY }).meta;
  const told = entry.recipients.map((r, n) => ({ ...r, lastStatus: n === 0 ? LATER : null }));
  const content = { header: bytesOf('Subject: x\r\n'), body: bodyOf([bytesOf('secret\r\n')]) };
  const facts = { id: 'n1', hostname: 'mx.test', now: START + HOUR, expire: DAY };
  const text = await textOf(
    await delayNotice({ ...entry, senderParams: ['RET=FULL'] }, told, content, facts),
  );
  assert.match(text, /^Subject: Your message is delayed\r$/m);
  assert.match(text, /tried until Mon, 23 Nov 2026 12:00:00 \+0000; you need not send it again/);
  assert.match(
    text,
    /\r\nFinal-Recipient: rfc822; a@x\r\nAction: delayed\r\nStatus: 4.2.0\r\nRemote-MTA: dns; hop\r\nDiagnostic-Code: smtp; 451 4.2.0 later\r\nLast-Attempt-Date: .*\r\nWill-Retry-Until: Mon, 23 Nov 2026 12:00:00 \+0000\r\n/,
  );
  assert.match(text, /Final-Recipient: rfc822; b@x\r\nAction: delayed\r\nStatus: 4.4.7\r\nWill-Retry-Until/);
  assert.match(text, /<b@x>\r\n {4}it was not tried yet/);
  assert.ok(text.includes('text/rfc822-headers') && !text.includes('secret'));
});
