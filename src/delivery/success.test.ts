// Notices of success: to whom, about whom, and what they say (RFC 3461 4.1, 5.2; RFC 3464).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOf, bytesOf, latin1, status } from '#message';
import type { EntryRecipient } from '#spool';
import type { Agent, Success } from './agent.ts';
import { successNotice, toBeToldOfSuccess } from './dsn.ts';
import type { Told } from './report.ts';
import { LATER, NEVER, OK, START, calm, entryTo, rigWith, until } from './rig.cases.ts';
import type { Rig } from './rig.cases.ts';

const FACTS = { id: 'n1', hostname: 'mx.test', now: START + 60_000, expire: 1000 };
const CONTENT = {
  header: bytesOf('From: from@test\r\nSubject: x\r\n'),
  body: bodyOf([bytesOf('hello\r\n')]),
};

function reached(address: string, action: Success, more: Partial<EntryRecipient> = {}): Told {
  return {
    address,
    params: ['NOTIFY=SUCCESS'],
    state: 'delivered',
    attempts: 1,
    lastStatus: status(250, '', 'taken', action === 'relayed' ? 'hop.test' : 'millrace'),
    action,
    ...more,
  };
}

const GOLDEN = `From: Mail Delivery System <MAILER-DAEMON@mx.test>
To: <from@test>
Subject: Your message was passed on
Date: Sun, 22 Nov 2026 12:01:00 +0000
Message-ID: <n1@mx.test>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
	boundary="=_n1"

--=_n1
Content-Type: text/plain; charset=utf-8

This is the mail gateway at mx.test.

Your message was delivered to this recipient, as you asked to be told:

<a@x>
    250 taken

Your message was passed on for this recipient to a host that does not report success; no more will be heard of it:

<b@y>
    hop.test said: 250 taken

--=_n1
Content-Type: message/delivery-status

Original-Envelope-Id: Q+1
Reporting-MTA: dns; mx.test
Arrival-Date: Sun, 22 Nov 2026 12:00:00 +0000

Original-Recipient: rfc822; A@x
Final-Recipient: rfc822; a@x
Action: delivered
Status: 2.0.0
Diagnostic-Code: smtp; 250 taken
Last-Attempt-Date: Sun, 22 Nov 2026 12:01:00 +0000

Final-Recipient: rfc822; b@y
Action: relayed
Status: 2.0.0
Remote-MTA: dns; hop.test
Diagnostic-Code: smtp; 250 taken
Last-Attempt-Date: Sun, 22 Nov 2026 12:01:00 +0000

--=_n1
Content-Type: text/rfc822-headers

From: from@test
Subject: x

--=_n1--
`.replaceAll('\n', '\r\n');

test('a notice of success reads as it should, to the byte, and never brings the body back', async () => {
  const entry = entryTo([], { senderParams: ['ENVID=Q+2B1', 'RET=FULL'] }).meta;
  const told = [
    reached('a@x', 'delivered', { params: ['NOTIFY=SUCCESS', 'ORCPT=rfc822;A+40x'] }),
    reached('b@y', 'relayed'),
  ];
  const { header, body } = await successNotice(entry, told, CONTENT, FACTS);
  assert.equal(`${latin1(header)}\r\n${latin1(body.chunks![0]!)}`, GOLDEN);
});

test('only who asked for it is told of success, and nobody of the null sender', () => {
  const all = ['', 'NEVER', 'FAILURE', 'DELAY,FAILURE', 'SUCCESS', 'failure,success'].map((notify) =>
    reached(`${notify}@x`, 'delivered', { params: notify ? [`NOTIFY=${notify}`] : [] }),
  );
  assert.deepEqual(
    toBeToldOfSuccess(entryTo([]).meta, all).map((r) => r.address),
    ['SUCCESS@x', 'failure,success@x'],
  );
  assert.deepEqual(toBeToldOfSuccess(entryTo([], { sender: '' }).meta, all), []);
});

/** An agent that reports as the address says: `delivered@`, `relayed@`, `reported@` (by the next hop), `no@`, `later@`. */
function agentByName(asked: string[][]): Agent {
  return {
    async deliver({ recipients, entry }) {
      asked.push(recipients.map((r) => r.address));
      return recipients.map(({ address }) => {
        const [word] = address.split('@');
        if (entry.sender === '') return { address, status: OK, success: 'delivered' as const };
        if (word === 'no') return { address, status: NEVER, success: 'relayed' as const };
        if (word === 'later') return { address, status: LATER, success: 'relayed' as const };
        if (word === 'reported') return { address, status: OK };
        return { address, status: OK, success: word as Success };
      });
    },
    close: async () => {},
  };
}

async function commitAsking(rig: Rig, addresses: readonly string[], notify: string): Promise<void> {
  const entry = entryTo(addresses);
  const recipients = entry.meta.recipients.map((r) => ({ ...r, params: [`NOTIFY=${notify}`] }));
  await rig.spool.commit({ ...entry, meta: { ...entry.meta, recipients } });
  rig.delivery.wake();
}

test('success that nobody else reports is told, in a notice apart from that of losses', async () => {
  const asked: string[][] = [];
  let ids = 0;
  const rig = rigWith(agentByName(asked), { newId: () => `notice${++ids}` });
  const everybody = ['delivered@x', 'relayed@x', 'reported@x', 'no@x', 'later@x'];
  await commitAsking(rig, everybody, 'SUCCESS,FAILURE');
  await until(() => rig.names().filter((n) => n === 'delivery.notice-made').length === 2);
  await until(async () => asked.length === 3 && (await rig.spool.list({ limit: 9 })).length === 1);
  assert.deepEqual(asked, [everybody, ['from@test'], ['from@test']]);
  await rig.delivery.stop(0);
});

test('without a word of success in NOTIFY nothing is told', async () => {
  for (const notify of ['NEVER', 'FAILURE', 'DELAY']) {
    const asked: string[][] = [];
    const rig = rigWith(agentByName(asked));
    await commitAsking(rig, ['delivered@x', 'relayed@x'], notify);
    await until(async () => (await rig.spool.get('m1')) === null);
    await calm();
    assert.deepEqual(asked, [['delivered@x', 'relayed@x']], notify);
    await rig.delivery.stop(0);
  }
});
