/** One line of the log per message, with everything an operator asks for (issue 4, 8). */
import assert from 'node:assert/strict';
import { scryptSync } from 'node:crypto';
import { test } from 'node:test';
import { passwordHashText } from '#gateway/config';
import { Cleanup } from './support/folders.ts';
import { frame, frames, house, rawFilter, WANTS_ALL, type House } from './support/house.ts';

const MESSAGE = 'Subject: one\r\n\r\nbody\r\n';

const only = (h: House, name: string): Readonly<Record<string, unknown>> => {
  const found = h.heard.filter((n) => n.name === name);
  assert.equal(found.length, 1, name);
  return found[0]!.fields;
};

/** A filter that continues, but for the events of these letters. */
const filterSaying = (cleanup: Cleanup, answers: Readonly<Record<string, string>>): Promise<number> =>
  rawFilter(cleanup, (socket) =>
    frames(socket, (code) => {
      if (code === 'O') socket.write(WANTS_ALL, 'latin1');
      else if ('CHMRTLNBEU'.includes(code)) socket.write(answers[code] ?? frame('c'), 'latin1');
    }),
  );

const MAIL = { stages: ['mail', 'rcpt', 'data'] };

/** More recipients than a line names. */
const TO = Array.from({ length: 25 }, (_, i) => `u${i}@in.test`);
/** What the line of a message to them says of who sent it, whence and to whom. */
const ENDS = {
  from: 'a@out.test',
  to: TO.slice(0, 20),
  recipients: 25,
  client: '127.0.0.1',
  name: 'localhost',
  helo: 'client.load.test',
  listener: 'smtp',
};

test('an accepted message: who, whom, how large, by which way, and what each filter said in which time', async (t) => {
  const cleanup = new Cleanup(t);
  const calm = { port: await filterSaying(cleanup, {}), more: { ...MAIL, name: 'calm' } };
  const quick = { port: await filterSaying(cleanup, { M: frame('a') }), more: { ...MAIL, name: 'quick' } };
  const never = { port: calm.port, more: { ...MAIL, name: 'never', enable: 'false' } };
  const h = await house(cleanup, [calm, quick, never]);
  const session = await h.open();
  assert.equal((await session.transaction('a@out.test', TO, MESSAGE)).reply.code, 250);
  const { id, session: sid, size, filters, ms, ...rest } = only(h, 'message.accepted');
  assert.match(String(id), /^\w{8,}$/);
  assert.match(String(sid), /^[\w-]+$/);
  assert.ok(Number(size) > MESSAGE.length);
  const [first, second, ...more] = filters as string[];
  assert.match(first!, /^calm continue \d+ms$/);
  assert.match(second!, /^quick accept \d+ms$/);
  assert.deepEqual(more, []);
  assert.ok(Number.isInteger(ms) && Number(ms) >= 0 && Number(ms) < 10_000);
  assert.deepEqual(JSON.parse(JSON.stringify(rest)), ENDS);
  // The next message of the session begins anew.
  assert.equal((await session.transaction('b@out.test', ['u@in.test'], MESSAGE)).reply.code, 250);
  const last = h.heard.findLast((n) => n.name === 'message.accepted')!.fields;
  assert.equal(last['from'], 'b@out.test');
  assert.equal((last['filters'] as string[]).length, 2);
  await session.quit();
});

test('a refused and a discarded message have the same words, and who it was; a filter that fails says so', async (t) => {
  const cleanup = new Cleanup(t);
  const no = { port: await filterSaying(cleanup, { E: frame('r') }), more: { ...MAIL, name: 'no' } };
  const gone = { port: 1, more: { ...MAIL, name: 'gone', onError: 'accept' } };
  const refusing = await house(cleanup, [gone, no]);
  const session = await refusing.open();
  assert.equal((await session.transaction('a@out.test', ['u@in.test'], MESSAGE)).reply.code, 554);
  await session.quit();
  const refused = only(refusing, 'message.refused');
  assert.deepEqual(
    [refused['from'], refused['to'], refused['client'], refused['code'], refused['enhanced'], refused['by']],
    ['a@out.test', ['u@in.test'], '127.0.0.1', 554, '5.7.1', 'milter:no'],
  );
  assert.match((refused['filters'] as string[]).join(), /^gone failed \d+ms,no reject \d+ms$/);
  const drop = { port: await filterSaying(cleanup, { E: frame('d') }), more: { ...MAIL, name: 'drop' } };
  const dropping = await house(cleanup, [drop]);
  const other = await dropping.open();
  assert.equal((await other.transaction('a@out.test', ['u@in.test'], MESSAGE)).reply.code, 250);
  await other.quit();
  const dropped = only(dropping, 'message.discarded');
  assert.deepEqual([dropped['by'], dropped['from'], dropped['listener']], ['drop', 'a@out.test', 'smtp']);
});

for (const [stage, letter] of Object.entries({ MAIL: 'M', RCPT: 'R', DATA: 'T' }))
  test(`a message discarded at ${stage}, before its content: the line and the row have sender and recipients`, async (t) => {
    const cleanup = new Cleanup(t);
    const port = await filterSaying(cleanup, { [letter]: frame('d') });
    const h = await house(cleanup, [{ port, more: { ...MAIL, name: 'drop' } }], { journal: true });
    const session = await h.open();
    const { reply } = await session.transaction('a@out.test', TO, MESSAGE);
    const { id, session: sid, filters, ms, ...rest } = only(h, 'message.discarded');
    assert.deepEqual(reply.lines, [`250 2.0.0 Ok: queued as ${String(id)}`]);
    assert.match((filters as string[]).join(), /^drop discard \d+ms$/);
    assert.ok(Number.isInteger(ms) && Number(ms) >= 0 && Number(ms) < 10_000);
    assert.deepEqual(JSON.parse(JSON.stringify(rest)), { ...ENDS, by: 'drop' });
    const row = await h.gateway.office!.journal!.message(String(id));
    assert.ok(row);
    assert.deepEqual(
      [row.session, row.outcome, row.by, row.from, row.to, row.recipients],
      [sid, 'discarded', 'drop', 'a@out.test', TO.slice(0, 20), 25],
    );
    // The next message of the session is another one, given up before its content.
    await session.command('MAIL FROM:<b@out.test>');
    await session.command('RCPT TO:<c@in.test>');
    await session.command('RSET');
    await session.quit();
    assert.equal(h.heard.filter((n) => n.name === 'message.discarded').length, 1);
  });

/** A password's hash that is cheap to check. */
function cheap(password: string): string {
  const salt = Buffer.from('0123456789abcdef');
  const hash = scryptSync(password, salt, 32, { N: 2 ** 12, r: 8, p: 1 });
  return passwordHashText({ kind: 'scrypt', ln: 12, r: 8, p: 1, salt, hash });
}

test('a sender refused at MAIL, for want of room or for whom the user may send as: who, and what he was told', async (t) => {
  const h = await house(new Cleanup(t), [], {
    listeners: [
      { name: 'smtp', bind: '127.0.0.1:0', auth: 'optional', insecureAuth: true, maxMessageSize: '1G' },
    ],
    users: [{ name: 'tim', password: cheap('secret'), senders: ['tim@in.test'] }],
  });
  const session = await h.open();
  const full = await session.command('MAIL FROM:<a@out.test> SIZE=900000000');
  assert.deepEqual(full.lines, ['452 4.3.1 Insufficient system storage']);
  const auth = `AUTH PLAIN ${Buffer.from('\0tim\0secret').toString('base64')}`;
  assert.equal((await session.command(auth)).code, 235);
  assert.equal((await session.command('MAIL FROM:<eva@in.test>')).code, 550);
  assert.equal((await session.command('MAIL FROM:<tim@in.test>')).code, 250);
  await session.quit();
  const refused = h.heard.filter((n) => n.name === 'sender.refused').map((n) => n.fields);
  const who = {
    session: refused[0]!['session'],
    client: '127.0.0.1',
    helo: 'client.load.test',
    listener: 'smtp',
  };
  assert.deepEqual(JSON.parse(JSON.stringify(refused)), [
    {
      ...who,
      from: 'a@out.test',
      size: '900000000',
      code: 452,
      enhanced: '4.3.1',
      text: 'Insufficient system storage',
    },
    {
      ...who,
      from: 'eva@in.test',
      user: 'tim',
      code: 550,
      enhanced: '5.7.1',
      text: 'Sender address not allowed for this user',
    },
  ]);
  assert.match(String(who.session), /^[\w-]+$/);
});
