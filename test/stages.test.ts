// The filters' side of a message's way in, over real sockets: what each filter hears, and what its verdicts and edits do.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  accept,
  defineMilter,
  discard,
  quarantine,
  reject,
  tempfail,
  type MilterDefinition,
} from '#milter/filter';
import { Cleanup } from './support/folders.ts';
import { WANTS_ALL, frame, frames, house, rawFilter } from './support/house.ts';
import { arrived, readMaildir } from './support/maildir.ts';
import { until } from './support/wait.ts';

const MESSAGE = 'From: <a@out.test>\r\nSubject: one\r\nTo: <b@in.test>\r\n\r\nbody\r\n';
const ALL = { stages: ['connect', 'ehlo', 'mail', 'rcpt', 'data'] };

/** A filter that writes down what it hears. */
function recorder(
  name: string,
  more: Partial<MilterDefinition> = {},
): { heard: string[]; filter: ReturnType<typeof defineMilter> } {
  const heard: string[] = [];
  const filter = defineMilter({
    name,
    onConnect: (s) => void heard.push(`connect ${s.client.address}`),
    onHelo: (_s, helo) => void heard.push(`helo ${helo}`),
    onMail: (_s, from) => void heard.push(`mail ${from.address}`),
    onRcpt: (_s, to) => void heard.push(`rcpt ${to.address}`),
    onData: () => void heard.push('data'),
    onMessage: async (_s, env, m) => {
      const subject = m.headers.get('Subject') ?? '';
      heard.push(
        `message ${subject} ${Buffer.from(await m.bytes())
          .toString('latin1')
          .trim()} ${env.queueId ? 'id' : 'no id'}`,
      );
    },
    onAbort: () => void heard.push('abort'),
    onClose: () => void heard.push('close'),
    ...more,
  });
  return { heard, filter };
}

test('a filter of the data stage alone hears the whole conversation, in order, before the content', async (t) => {
  const r = recorder('late');
  const h = await house(new Cleanup(t), [{ filter: r.filter, more: { stages: ['data'] } }]);
  const session = await h.open();
  await session.command('MAIL FROM:<a@out.test>');
  await session.command('RCPT TO:<b@in.test>');
  await session.command('RCPT TO:<c@in.test>');
  assert.deepEqual(r.heard, []);
  assert.equal((await session.command('DATA')).code, 354);
  assert.deepEqual(r.heard, [
    'connect 127.0.0.1',
    'helo client.load.test',
    'mail a@out.test',
    'rcpt b@in.test',
    'rcpt c@in.test',
    'data',
  ]);
  session.write(MESSAGE + '.\r\n');
  assert.equal((await session.reply()).code, 250);
  assert.equal(r.heard.at(-1), 'message one body id');
  await session.quit();
  await until('the close of the conversation', 2000, () => r.heard.at(-1) === 'close');
});

test('one conversation serves all messages of a connection, with ABORT between', async (t) => {
  const r = recorder('keeps');
  const h = await house(new Cleanup(t), [{ filter: r.filter, more: ALL }]);
  const session = await h.open();
  assert.equal((await session.transaction('a@out.test', ['b@in.test'], MESSAGE)).reply.code, 250);
  await session.command('MAIL FROM:<x@out.test>');
  await session.command('RSET');
  assert.equal((await session.transaction('y@out.test', ['b@in.test'], MESSAGE)).reply.code, 250);
  const heard = r.heard.filter((e) => !e.startsWith('rcpt') && e !== 'data');
  assert.deepEqual(heard, [
    'connect 127.0.0.1',
    'helo client.load.test',
    'mail a@out.test',
    'message one body id',
    'mail x@out.test',
    'abort',
    'mail y@out.test',
    'message one body id',
  ]);
  await session.quit();
});

test('a refusal at rcpt concerns one recipient, and a filter behind does not hear of it', async (t) => {
  const first = recorder('first', {
    onRcpt: (_s, to) => (to.address === 'no@in.test' ? reject(550, '5.1.1', 'Nobody here') : undefined),
  });
  const second = recorder('second');
  const h = await house(new Cleanup(t), [
    { filter: first.filter, more: ALL },
    { filter: second.filter, more: ALL },
  ]);
  const session = await h.open();
  await session.command('MAIL FROM:<a@out.test>');
  assert.equal((await session.command('RCPT TO:<no@in.test>')).lines[0], '550 5.1.1 Nobody here');
  assert.equal((await session.command('RCPT TO:<yes@in.test>')).code, 250);
  await session.command('DATA');
  session.write(MESSAGE + '.\r\n');
  assert.equal((await session.reply()).code, 250);
  assert.deepEqual(
    second.heard.filter((e) => e.startsWith('rcpt')),
    ['rcpt yes@in.test'],
  );
  const stored = await arrived(h.mail, 'the message', () => true);
  assert.deepEqual(stored.field('Delivered-To'), ['yes@in.test']);
  await session.quit();
});

test('a refusal at mail ends the transaction: filters asked before hear ABORT', async (t) => {
  const first = recorder('first');
  const second = recorder('second', { onMail: () => tempfail(451, '4.7.1', 'Not now') });
  const h = await house(new Cleanup(t), [
    { filter: first.filter, more: ALL },
    { filter: second.filter, more: ALL },
  ]);
  const session = await h.open();
  assert.equal((await session.command('MAIL FROM:<a@out.test>')).lines[0], '451 4.7.1 Not now');
  assert.equal((await session.command('RCPT TO:<b@in.test>')).code, 503);
  await until('ABORT', 2000, () => first.heard.at(-1) === 'abort');
  await session.quit();
});

test('accept ends a filter for the message, not for the others and not for the next message', async (t) => {
  const first = recorder('first', { onMail: () => accept });
  const second = recorder('second');
  const h = await house(new Cleanup(t), [
    { filter: first.filter, more: ALL },
    { filter: second.filter, more: ALL },
  ]);
  const session = await h.open();
  for (const sender of ['a@out.test', 'c@out.test'])
    assert.equal((await session.transaction(sender, ['b@in.test'], MESSAGE)).reply.code, 250);
  assert.deepEqual(
    first.heard.filter((e) => /rcpt|data|message/.test(e)),
    [],
  );
  assert.equal(second.heard.filter((e) => e.startsWith('message')).length, 2);
  await session.quit();
});

test('accept at connect ends a filter for the connection', async (t) => {
  const r = recorder('polite', { onConnect: () => accept });
  const h = await house(new Cleanup(t), [{ filter: r.filter, more: ALL }]);
  const session = await h.open();
  assert.equal((await session.transaction('a@out.test', ['b@in.test'], MESSAGE)).reply.code, 250);
  assert.deepEqual(r.heard, ['close']);
  await session.quit();
});

test('a rejected connection is greeted with the refusal, and a temporary one is told at MAIL', async (t) => {
  const cleanup = new Cleanup(t);
  const hard = await house(cleanup, [
    { filter: recorder('hard', { onConnect: () => reject(550, '5.7.1', 'Go away') }).filter, more: ALL },
  ]);
  await assert.rejects(hard.open(), /550 5\.7\.1 Go away/);
  const soft = await house(cleanup, [
    { filter: recorder('soft', { onConnect: () => tempfail(450, '4.7.1', 'Later') }).filter, more: ALL },
  ]);
  const session = await soft.open();
  assert.equal((await session.command('MAIL FROM:<a@out.test>')).lines[0], '450 4.7.1 Later');
  await session.quit();
});

for (const stage of ['onMail', 'onRcpt', 'onData', 'onMessage'] as const)
  test(`discard at ${stage} shows the client success and delivers nothing`, async (t) => {
    const r = recorder('bin', { [stage]: () => discard });
    const later = recorder('later');
    const h = await house(new Cleanup(t), [
      { filter: r.filter, more: ALL },
      { filter: later.filter, more: ALL },
    ]);
    const session = await h.open();
    assert.equal(
      (await session.transaction('a@out.test', ['b@in.test', 'c@in.test'], MESSAGE)).reply.code,
      250,
    );
    await session.quit();
    assert.equal(h.heard.filter((n) => n.name === 'message.discarded').length, 1);
    assert.deepEqual(await readMaildir(h.mail), []);
  });

test('quarantine holds the message with its reason and tells the client 250', async (t) => {
  const r = recorder('keeper', { needs: ['quarantine'], onMessage: () => quarantine('looks odd') });
  const h = await house(new Cleanup(t), [{ filter: r.filter, more: ALL }]);
  const session = await h.open();
  assert.equal((await session.transaction('a@out.test', ['b@in.test'], MESSAGE)).reply.code, 250);
  await session.quit();
  const accepted = h.heard.find((n) => n.name === 'message.accepted');
  assert.equal(accepted?.fields['held'], 'looks odd');
  assert.deepEqual(await readMaildir(h.mail), []);
});

test('edits are delivered, and a chained filter sees what the one before it made of the message', async (t) => {
  const editor = defineMilter({
    name: 'editor',
    needs: ['addHeaders', 'changeHeaders', 'replaceBody', 'addRecipient', 'removeRecipient', 'changeFrom'],
    onMessage(_s, _env, m) {
      m.headers.set('Subject', 'two');
      m.headers.prepend('X-Top', 'top');
      m.headers.add('X-End', 'end');
      m.headers.remove('To');
      m.replaceBody('new body\n');
      m.changeFrom('other@out.test');
      m.addRecipient('d@in.test');
      m.removeRecipient('b@in.test');
    },
  });
  const r = recorder('after');
  const h = await house(new Cleanup(t), [
    { filter: editor, more: { stages: ['data'] } },
    { filter: r.filter, more: { stages: ['data'] } },
  ]);
  const session = await h.open();
  assert.equal((await session.transaction('a@out.test', ['b@in.test'], MESSAGE)).reply.code, 250);
  await session.quit();
  assert.equal(
    r.heard.find((e) => e.startsWith('message')),
    'message two new body id',
  );
  const stored = await arrived(h.mail, 'the message', () => true);
  assert.deepEqual(stored.field('Delivered-To'), ['d@in.test']);
  assert.deepEqual(stored.field('Return-Path'), ['<other@out.test>']);
  const own = stored.header.slice(stored.header.indexOf('Received:'));
  assert.deepEqual(
    own
      .replaceAll(/\r?\n[ \t]+/g, ' ')
      .split(/\r?\n/)
      .map((l) => l.split(':')[0]),
    ['Received', 'X-Top', 'From', 'Subject', 'X-End'],
  );
  assert.match(stored.text, /\r?\n\r?\nnew body\r?\n$/);
});

test('a filter on the original does not see the edits of others, and all edits are delivered', async (t) => {
  const adder = (name: string) =>
    defineMilter({
      name,
      needs: ['addHeaders'],
      onMessage: (_s, _e, m) => m.headers.add('X-Was', `${name} saw ${[...m.headers].length}`),
    });
  const h = await house(new Cleanup(t), [
    { filter: adder('one'), more: { stages: ['data'] } },
    { filter: adder('two'), more: { stages: ['data'], input: 'original' } },
    { filter: adder('three'), more: { stages: ['data'] } },
  ]);
  const session = await h.open();
  assert.equal((await session.transaction('a@out.test', ['b@in.test'], MESSAGE)).reply.code, 250);
  await session.quit();
  const stored = await arrived(h.mail, 'the message', () => true);
  assert.deepEqual(stored.field('X-Was'), ['one saw 3', 'two saw 3', 'three saw 5']);
});

test('enable is asked at every stage with what is known then; off in a message means ABORT', async (t) => {
  const r = recorder('picky');
  const h = await house(new Cleanup(t), [
    { filter: r.filter, more: { ...ALL, enable: "rcpt == '' || rcpt_domain == 'in.test'" } },
  ]);
  const session = await h.open();
  await session.command('MAIL FROM:<a@out.test>');
  await session.command('RCPT TO:<b@in.test>');
  await session.command('RCPT TO:<c@other.test>');
  await session.command('DATA');
  session.write(MESSAGE + '.\r\n');
  assert.equal((await session.reply()).code, 250);
  assert.deepEqual(r.heard.slice(2), ['mail a@out.test', 'rcpt b@in.test', 'abort']);
  await session.quit();
});

const POLICIES = [
  ['tempfail', { tempFailOnError: true }, 451, '4.7.1', 0],
  ['accept', { tempFailOnError: false }, 250, '2.0.0', 1],
  ['reject', { onError: 'reject' }, 550, '5.5.0', 0],
  ['quarantine', { onError: 'quarantine' }, 250, '2.0.0', 0],
] as const;

for (const [name, policy, code, enhanced, delivered] of POLICIES)
  test(`a filter that dies between two edits leaves none of them; policy ${name} decides`, async (t) => {
    const cleanup = new Cleanup(t);
    const port = await rawFilter(cleanup, (socket) =>
      frames(socket, (c) => {
        if (c === 'O') socket.write(WANTS_ALL, 'latin1');
        else if (c === 'E') {
          socket.write(frame('h', 'X-Half\0one\0') + frame('b', 'half a body'), 'latin1');
          socket.end();
        } else if ('CHMRTLNBU'.includes(c)) socket.write(frame('c'), 'latin1');
      }),
    );
    const h = await house(cleanup, [{ port, more: { ...ALL, ...policy } }]);
    const session = await h.open();
    const end = (await session.transaction('a@out.test', ['b@in.test'], MESSAGE)).reply;
    assert.deepEqual([end.code, end.text.split(' ')[0]], [code, enhanced]);
    assert.equal(h.heard.filter((n) => n.name === 'milter.failed').length, 1);
    if (delivered) {
      const stored = await arrived(h.mail, 'the message', () => true);
      assert.deepEqual(stored.field('X-Half'), []);
      assert.match(stored.text, /\r?\n\r?\nbody\r?\n$/);
    } else if (name === 'quarantine')
      assert.match(
        String(h.heard.find((n) => n.name === 'message.accepted')?.fields['held']),
        /^filter raw\d+ failed$/,
      );
    // The same session goes on, and the next transaction gets a fresh conversation.
    assert.equal((await session.command('NOOP')).code, 250);
    assert.equal((await session.command('MAIL FROM:<a@out.test>')).code, 250);
    await session.quit();
  });

test('a filter that cannot be reached answers the command at hand by its policy, at MAIL for what failed before', async (t) => {
  for (const [policy, code] of [
    ['tempfail', 451],
    ['reject', 550],
    ['accept', 250],
  ] as const) {
    const h = await house(new Cleanup(t), [{ port: 1, more: { ...ALL, onError: policy } }]);
    const session = await h.open();
    assert.equal((await session.command('MAIL FROM:<a@out.test>')).code, code, policy);
    assert.equal((await session.command('NOOP')).code, 250);
    await session.quit();
  }
});

test('a client that goes away in mid content leaves the filter an ABORT and no message', async (t) => {
  const r = recorder('left');
  const h = await house(new Cleanup(t), [{ filter: r.filter, more: ALL }]);
  const session = await h.open();
  await session.command('MAIL FROM:<a@out.test>');
  await session.command('RCPT TO:<b@in.test>');
  await session.command('DATA');
  session.write('Subject: half\r\n\r\nhal');
  await until('the content to begin', 2000, () => r.heard.includes('data'));
  session.drop();
  await until('abort and close', 2000, () => r.heard.includes('abort') && r.heard.at(-1) === 'close');
  assert.equal(r.heard.filter((e) => e.startsWith('message')).length, 0);
});

test('reply texts of a filter never make a second reply, and one that is no reply is the filter’s fault', async (t) => {
  for (const [text, expected] of [
    ['550 5.7.1 no\r\n250 2.0.0 ok', /^451 4\.7\.1 /],
    ['250 ok', /^451 4\.7\.1 /],
    ['550 5.7.1 100%% sure', /^550 5\.7\.1 100% sure$/],
    ['421 4.3.2 bye', /^421 4\.3\.2 bye$/],
  ] as const) {
    const cleanup = new Cleanup(t);
    const port = await rawFilter(cleanup, (socket) =>
      frames(socket, (c) => {
        if (c === 'O') socket.write(WANTS_ALL, 'latin1');
        else if (c === 'M') socket.write(frame('y', text + '\0'), 'latin1');
        else if ('CHRTLNBEU'.includes(c)) socket.write(frame('c'), 'latin1');
      }),
    );
    const h = await house(cleanup, [{ port, more: ALL }]);
    const session = await h.open();
    const reply = await session.command('MAIL FROM:<a@out.test>');
    assert.match(reply.lines.join('|'), expected);
    if (reply.code === 421) await assert.rejects(session.command('NOOP'));
    else assert.equal((await session.command('NOOP')).code, 250);
    session.drop();
  }
});
