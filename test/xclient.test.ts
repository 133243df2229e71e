/** XCLIENT and XFORWARD before the whole gateway: rights, filters, trace field and log follow the client that is spoken for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cleanup } from './support/folders.ts';
import { frame, house, type House } from './support/house.ts';
import { arrived } from './support/maildir.ts';
import { ScriptedFilter } from './support/scripted-filter.ts';

/** A filter that wants address and user as macros at CONNECT and MAIL. */
const ASKS = frame(
  'O',
  '\0\0\0\x06\0\0\x01\xff\0\0\0\0' +
    '\0\0\0\0{client_addr} {client_name}\0' +
    '\0\0\0\x02{auth_authen} {auth_type}\0',
);

/** Of a user whom nobody asks for it here. */
const PASSWORD = '$scrypt$ln=15,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU';

async function scene(
  cleanup: Cleanup,
  xclient: readonly string[],
): Promise<{ h: House; filter: ScriptedFilter }> {
  const filter = await ScriptedFilter.start(cleanup, { O: ASKS });
  const stages = ['connect', 'ehlo', 'mail', 'data'];
  const h = await house(cleanup, [{ port: filter.port, more: { stages } }], {
    listeners: [
      {
        name: 'smtp',
        bind: '127.0.0.1:0',
        xclient,
        relay: { networks: ['127.0.0.0/8'], domains: ['in.test'] },
      },
    ],
    users: [{ name: 'joe', password: PASSWORD }],
  });
  return { h, filter };
}

const heard = (filter: ScriptedFilter, code: string, at: number): string =>
  filter.peers
    .at(at)!
    .heard.find((f) => f.code === code)!
    .payload.replaceAll('\0', '|');

test('the declared client is whom filters, Received and the log know, and whose rights hold', async (t) => {
  const { h, filter } = await scene(new Cleanup(t), ['127.0.0.1']);
  const session = await h.open();
  await session.expect(220, await session.command('XCLIENT NAME=spike.test ADDR=192.0.2.1 PORT=4711'));
  await session.expect(250, await session.command('EHLO spike.test'));
  assert.equal(filter.peers.length, 2);
  assert.match(heard(filter, 'D', -1), /\{client_addr\}\|192\.0\.2\.1\|\{client_name\}\|spike\.test\|/);
  assert.equal(heard(filter, 'C', -1), 'spike.test|4\x12g192.0.2.1|');
  assert.equal((await session.command('MAIL FROM:<a@out.test>')).code, 250);
  assert.equal((await session.command('RCPT TO:<b@ext.test>')).code, 554);
  await session.command('RSET');
  const answer = await session.transaction('a@out.test', ['b@in.test'], 'Subject: one\r\n\r\nx\r\n');
  assert.equal(answer.reply.code, 250);
  const message = await arrived(h.mail, 'the message', (m) => m.field('Subject')[0] === 'one');
  assert.match(message.field('Received')[0]!, /^from spike\.test \(spike\.test \[192\.0\.2\.1\]\)/);
  const accepted = h.heard.find((n) => n.name === 'message.accepted')!.fields;
  assert.deepEqual([accepted['client'], accepted['proxy']], ['192.0.2.1', '127.0.0.1']);
  await session.quit();
});

test('LOGIN gives the rights of a user, and a later XCLIENT takes them away', async (t) => {
  const { h, filter } = await scene(new Cleanup(t), ['127.0.0.1']);
  const session = await h.open();
  await session.expect(
    220,
    await session.command('XCLIENT ADDR=192.0.2.1 NAME=[UNAVAILABLE] LOGIN=joe HELO=x.test'),
  );
  assert.equal((await session.command('MAIL FROM:<a@out.test>')).code, 250);
  assert.equal((await session.command('RCPT TO:<b@ext.test>')).code, 250);
  const macros = filter.peers
    .at(-1)!
    .heard.filter((f) => f.code === 'D')
    .map((f) => f.payload);
  assert.ok(
    macros.some((m) => m === 'M{auth_authen}\0joe\0{auth_type}\0XCLIENT\0'),
    JSON.stringify(macros),
  );
  assert.equal((await session.command('RSET')).code, 250);
  await session.expect(
    220,
    await session.command('XCLIENT ADDR=192.0.2.1 NAME=[UNAVAILABLE] LOGIN=nobody HELO=x.test'),
  );
  assert.equal((await session.command('MAIL FROM:<a@out.test>')).code, 550, 'a user whom nobody knows');
  await session.expect(220, await session.command('XCLIENT ADDR=192.0.2.2 NAME=[UNAVAILABLE]'));
  await session.expect(250, await session.command('EHLO x.test'));
  assert.equal((await session.command('MAIL FROM:<a@out.test>')).code, 250);
  assert.equal((await session.command('RCPT TO:<b@ext.test>')).code, 554);
  await session.quit();
});

test('an address that is not available is nobody who may relay', async (t) => {
  const { h } = await scene(new Cleanup(t), ['127.0.0.1']);
  const session = await h.open();
  await session.expect(220, await session.command('XCLIENT ADDR=[UNAVAILABLE]'));
  await session.expect(250, await session.command('EHLO x.test'));
  assert.equal((await session.command('MAIL FROM:<a@out.test>')).code, 250);
  assert.equal((await session.command('RCPT TO:<b@ext.test>')).code, 554);
  assert.equal((await session.command('RCPT TO:<b@in.test>')).code, 250);
  await session.quit();
});

test('who is not listed may say neither, and stays who he is', async (t) => {
  const { h, filter } = await scene(new Cleanup(t), ['192.0.2.0/24']);
  const session = await h.open();
  for (const line of ['XCLIENT ADDR=192.0.2.1 LOGIN=joe', 'XFORWARD ADDR=192.0.2.1'])
    assert.match((await session.command(line)).lines[0]!, /^550 5\.7\.0 /);
  assert.equal((await session.transaction('a@out.test', ['b@in.test'], 'S: x\r\n\r\nx\r\n')).reply.code, 250);
  assert.equal(filter.peers.length, 1);
  const accepted = h.heard.find((n) => n.name === 'message.accepted')!.fields;
  assert.deepEqual(
    [accepted['client'], accepted['user'], accepted['forwarded']],
    ['127.0.0.1', undefined, undefined],
  );
  await session.quit();
});

test('XFORWARD is in the log line of the next message, and of no other', async (t) => {
  const { h, filter } = await scene(new Cleanup(t), ['127.0.0.1']);
  const session = await h.open();
  const send = async (): Promise<void> => {
    const { reply } = await session.transaction('a@out.test', ['b@in.test'], 'S: x\r\n\r\nx\r\n');
    assert.equal(reply.code, 250);
  };
  await session.expect(250, await session.command('XFORWARD NAME=spike.test ADDR=192.0.2.1 PORT=4711'));
  await session.expect(250, await session.command('XFORWARD IDENT=4C5A SOURCE=REMOTE'));
  await send();
  await send();
  const lines = h.heard.filter((n) => n.name === 'message.accepted').map((n) => n.fields);
  assert.deepEqual(
    lines.map((l) => l['forwarded']),
    [['name=spike.test', 'address=192.0.2.1', 'port=4711', 'ident=4C5A', 'source=REMOTE'], undefined],
  );
  assert.deepEqual(
    lines.map((l) => l['client']),
    ['127.0.0.1', '127.0.0.1'],
  );
  assert.equal(filter.peers.length, 1);
  await session.quit();
});
