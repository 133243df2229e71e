// Delivery status notifications and transfer priorities from client to next hop (RFC 3461, RFC 3464, RFC 6710).
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { defineMilter } from '#milter/filter';
import { Cleanup, tempFolder } from './support/folders.ts';
import { house, type House } from './support/house.ts';
import { arrived, readMaildir, type StoredMessage } from './support/maildir.ts';
import { startNextHop, type TakenMessage } from './support/next-hop.ts';
import { freePort } from './support/ports.ts';
import { until } from './support/wait.ts';

const CONTENT = 'Subject: one\r\n\r\nbody of it\r\n';

/** A house whose mail goes: notices to a Maildir of their own, `hop.test` to a next hop with these extensions, the rest to the Maildir. */
async function houseWithHop(
  cleanup: Cleanup,
  extensions: readonly string[],
  answer = '250 2.0.0 taken',
): Promise<{ h: House; taken: TakenMessage[]; notices: string }> {
  const port = await freePort();
  const taken: TakenMessage[] = [];
  const witness = (message: TakenMessage): string => {
    taken.push(message);
    return answer;
  };
  await startNextHop(cleanup, port, witness, extensions);
  const folder = await tempFolder(cleanup);
  const notices = join(folder, 'notices');
  const routes = [
    { match: "source == 'dsn'", via: 'maildir', to: notices },
    { match: "rcpt_domain == 'hop.test'", via: 'smtp', to: [`127.0.0.1:${port}`], tls: 'off' },
    { match: "rcpt_domain == 'void.test'", via: 'discard' },
    { match: 'true', via: 'maildir', to: join(folder, 'mail') },
  ];
  return { h: await house(cleanup, [], { delivery: { routes } }), taken, notices };
}

async function send(h: House, mail: string, ...recipients: readonly string[]): Promise<void> {
  const session = await h.open();
  await session.expect(250, await session.command(`MAIL FROM:${mail}`));
  for (const recipient of recipients)
    await session.expect(250, await session.command(`RCPT TO:${recipient}`));
  await session.expect(354, await session.command('DATA'));
  session.write(CONTENT + '.\r\n');
  await session.expect(250, await session.reply());
  await session.quit();
}

/** The blocks of the delivery-status part: fields by name. */
function statusOf({ text }: StoredMessage): Record<string, string>[] {
  const [, part = ''] = /message\/delivery-status\n\n([^]*?)\n--/.exec(text) ?? [];
  return part
    .trim()
    .split('\n\n')
    .map((block) => Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/).slice(0, 2))));
}

const delivered = (h: House, n: number): Promise<unknown> =>
  until(`${n} recipients delivered`, 5000, () => heard(h, 'delivery.delivered') >= n);
const heard = (h: House, name: string): number => h.heard.filter((n) => n.name === name).length;

test('DSN parameters reach filters, the next hop that offers DSN, and nobody owes a notice', async (t) => {
  const cleanup = new Cleanup(t);
  const { h, taken, notices } = await houseWithHop(cleanup, ['DSN']);
  await send(
    h,
    '<a@out.test> RET=HDRS ENVID=Q+2B1',
    '<one@hop.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;One+40in.test',
    '<two@hop.test> notify=never',
    '<three@hop.test>',
  );
  await delivered(h, 3);
  assert.equal(taken.length, 1);
  assert.equal(taken[0]!.senderParameters, 'RET=HDRS ENVID=Q+2B1');
  assert.deepEqual(taken[0]!.recipientParameters, [
    'NOTIFY=SUCCESS,DELAY ORCPT=rfc822;One+40in.test',
    'notify=never',
    '',
  ]);
  assert.equal(heard(h, 'delivery.notice-made'), 0);
  assert.deepEqual(await readMaildir(notices), []);
});

test('a filter sees RET, ENVID, NOTIFY and ORCPT as the client wrote them', async (t) => {
  const seen: (readonly string[])[] = [];
  const filter = defineMilter({
    name: 'looks',
    onMail: (_s, from) => void seen.push(from.params),
    onRcpt: (_s, to) => void seen.push(to.params),
  });
  const h = await house(new Cleanup(t), [{ filter, more: { stages: ['mail', 'rcpt', 'data'] } }]);
  await send(h, '<a@out.test> RET=FULL ENVID=x+20y', '<b@in.test> NOTIFY=FAILURE ORCPT=rfc822;B@in.test');
  assert.deepEqual(seen, [
    ['RET=FULL', 'ENVID=x+20y'],
    ['NOTIFY=FAILURE', 'ORCPT=rfc822;B@in.test'],
  ]);
});

test('a next hop without DSN gets no parameter, and we tell of what was relayed to it', async (t) => {
  const cleanup = new Cleanup(t);
  const { h, taken, notices } = await houseWithHop(cleanup, []);
  await send(
    h,
    '<a@out.test> RET=FULL ENVID=Q+2B1',
    '<one@hop.test> NOTIFY=SUCCESS ORCPT=rfc822;One+40in.test',
    '<two@hop.test> NOTIFY=FAILURE',
    '<three@hop.test>',
  );
  const notice = await arrived(notices, 'a notice', () => true);
  assert.deepEqual([taken[0]!.senderParameters, taken[0]!.recipientParameters.join('')], ['', '']);
  const [message, ...recipients] = statusOf(notice);
  assert.equal(message!['Original-Envelope-Id'], 'Q+1');
  assert.equal(recipients.length, 1);
  assert.deepEqual(
    ['Original-Recipient', 'Final-Recipient', 'Action', 'Status', 'Remote-MTA'].map((f) => recipients[0]![f]),
    ['rfc822; One@in.test', 'rfc822; one@hop.test', 'relayed', '2.0.0', 'dns; 127.0.0.1'],
  );
  assert.deepEqual([notice.field('Return-Path'), notice.field('To')], [['<>'], ['<a@out.test>']]);
  assert.ok(notice.text.includes('Subject: one') && !notice.text.includes('body of it'));
});

test('a Maildir is the end of the way: who asked is told of delivery, and nobody else', async (t) => {
  const cleanup = new Cleanup(t);
  const { h, notices } = await houseWithHop(cleanup, []);
  await send(
    h,
    '<a@out.test> ENVID=7',
    '<one@in.test> NOTIFY=SUCCESS,FAILURE',
    '<two@in.test> NOTIFY=NEVER',
    '<three@in.test>',
    '<four@void.test> NOTIFY=SUCCESS',
  );
  const notice = await arrived(notices, 'a notice', () => true);
  const [message, ...recipients] = statusOf(notice);
  assert.equal(message!['Original-Envelope-Id'], '7');
  assert.deepEqual(
    recipients.map((r) => [r['Final-Recipient'], r['Action']]),
    [['rfc822; one@in.test', 'delivered']],
  );
  // The null sender is told nothing.
  await send(h, '<>', '<one@in.test> NOTIFY=SUCCESS');
  await delivered(h, 6);
  assert.equal(heard(h, 'delivery.notice-made'), 1);
});

test('of a loss are told those who did not ask otherwise, with as much of the message as they asked for', async (t) => {
  const cleanup = new Cleanup(t);
  const { h, notices } = await houseWithHop(cleanup, ['DSN'], '550 5.7.1 no');
  const recipients = ['<a@hop.test>', '<b@hop.test> NOTIFY=FAILURE', '<c@hop.test> NOTIFY=NEVER'];
  await send(h, '<a@out.test> RET=FULL', ...recipients, '<d@hop.test> NOTIFY=SUCCESS,DELAY');
  await send(h, '<b@out.test> RET=HDRS', ...recipients);
  await send(h, '<c@out.test>', '<c@hop.test> NOTIFY=NEVER');
  await until('the losses', 5000, () => heard(h, 'delivery.failed') === 8);
  for (const [to, whole] of [
    ['a', true],
    ['b', false],
  ] as const) {
    const notice = await arrived(
      notices,
      `a notice to ${to}`,
      (m) => m.field('To')[0] === `<${to}@out.test>`,
    );
    assert.deepEqual(
      statusOf(notice)
        .slice(1)
        .map((r) => `${r['Final-Recipient']} ${r['Action']} ${r['Status']}`),
      ['rfc822; a@hop.test failed 5.7.1', 'rfc822; b@hop.test failed 5.7.1'],
    );
    assert.equal(notice.text.includes('body of it'), whole);
  }
  assert.equal((await readMaildir(notices)).length, 2);
});

test('a listener with dsn: false offers no DSN and refuses its parameters', async (t) => {
  const listeners = [{ name: 'smtp', bind: '127.0.0.1:0', relay: { domains: ['in.test'] }, dsn: false }];
  const h = await house(new Cleanup(t), [], { listeners });
  const session = await h.open();
  assert.ok(!/^DSN$/m.test((await session.command('EHLO x.test')).text));
  assert.equal((await session.command('MAIL FROM:<a@out.test> RET=HDRS')).code, 555);
  assert.equal((await session.command('MAIL FROM:<a@out.test>')).code, 250);
  assert.equal((await session.command('RCPT TO:<b@in.test> NOTIFY=NEVER')).code, 555);
  await session.quit();
});

/** Sends with a priority and returns what MAIL was answered. */
async function sendAt(h: House, priority: string): Promise<string> {
  const session = await h.open();
  const mail = await session.command(`MAIL FROM:<a@out.test> MT-PRIORITY=${priority}`);
  await session.expect(250, await session.command('RCPT TO:<b@in.test>'));
  await session.expect(354, await session.command('DATA'));
  session.write(CONTENT + '.\r\n');
  await session.expect(250, await session.reply());
  await session.quit();
  return `${mail.code} ${mail.text.split(' ', 2).join(' ')}`;
}

/** Mail at 7 and at -3 from a client of these networks; the first is to count as `high`. */
async function prioritised(t: TestContext, networks: readonly string[], high: '7' | '0'): Promise<void> {
  const cleanup = new Cleanup(t);
  const port = await freePort();
  const taken: TakenMessage[] = [];
  const witness = (message: TakenMessage): string => `250 2.0.0 ${taken.push(message)}`;
  await startNextHop(cleanup, port, witness, ['MT-PRIORITY']);
  const mail = await tempFolder(cleanup);
  const seen: (string | undefined)[] = [];
  const filter = defineMilter({
    name: 'urgent',
    onMail: (_s, from) => void seen.push(from.param('MT-PRIORITY')),
  });
  const h = await house(cleanup, [{ filter, more: { stages: ['mail', 'data'], enable: 'priority >= 0' } }], {
    listeners: [{ name: 'smtp', bind: '127.0.0.1:0', relay: { networks, domains: ['in.test'] } }],
    delivery: {
      routes: [
        { match: 'priority == 0', via: 'maildir', to: mail },
        { match: 'true', via: 'smtp', to: [`127.0.0.1:${port}`], tls: 'off' },
      ],
    },
  });
  const session = await h.open();
  assert.match((await session.command('EHLO x.test')).text, /^MT-PRIORITY$/m);
  assert.equal((await session.command('MAIL FROM:<a@out.test> MT-PRIORITY=10')).code, 501);
  await session.quit();
  const answers = [await sendAt(h, '7'), await sendAt(h, '-3')];
  assert.deepEqual(answers, [high === '7' ? '250 2.1.0 Ok' : '250 2.3.6 0', '250 2.1.0 Ok']);
  assert.deepEqual(seen, [high], 'the filter is asked from 0 up');
  await delivered(h, 2);
  const parameters = taken.map((m) => m.senderParameters).toSorted();
  assert.deepEqual(parameters, high === '7' ? ['MT-PRIORITY=-3', 'MT-PRIORITY=7'] : ['MT-PRIORITY=-3']);
  assert.equal((await readMaildir(mail)).length, high === '7' ? 0 : 1);
}

test('a trusted client gets the priority it asks for; filters, routes and the next hop go by it', (t) =>
  prioritised(t, ['127.0.0.0/8'], '7'));

test('a stranger can lower its priority only; filters, routes and the next hop go by it', (t) =>
  prioritised(t, [], '0'));
