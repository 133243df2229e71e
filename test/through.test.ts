/** Pass-through (`delivery.mode: through`): the client hears the next hop, filters come first, and nothing is ever queued. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { defineMilter, discard, quarantine, reject, type MilterDefinition } from '#milter/filter';
import { startHop, type HopScript, type ScriptedHop } from '../src/smtp/client/scripted-hop.cases.ts';
import { Cleanup, tempFolder } from './support/folders.ts';
import { Gateway } from './support/gateway.ts';
import { house, type House } from './support/house.ts';
import { freePorts } from './support/ports.ts';
import { SmtpSession, type Reply } from './support/smtp-session.ts';
import { until } from './support/wait.ts';

const cleanup = new Cleanup();
after(() => cleanup.run());

const MESSAGE = 'From: <a@out.test>\r\nSubject: one\r\n\r\n.body\r\n';

interface Setup {
  readonly filters?: readonly Omit<MilterDefinition, 'name'>[];
  readonly hop?: HopScript;
  readonly route?: Readonly<Record<string, unknown>>;
  readonly routes?: readonly Readonly<Record<string, unknown>>[];
  readonly listener?: Readonly<Record<string, unknown>>;
}

interface Passing extends House {
  readonly hop: ScriptedHop;
}

async function hopOf(script: HopScript = {}): Promise<ScriptedHop> {
  const hop = await startHop(script);
  cleanup.after(() => hop.close());
  return hop;
}

/** A gateway in front of one scripted hop. */
async function passing({
  filters = [],
  hop: script = {},
  route,
  routes,
  listener,
}: Setup = {}): Promise<Passing> {
  const hop = await hopOf(script);
  const all = { match: 'true', via: script.lmtp ? 'lmtp' : 'smtp', to: `127.0.0.1:${hop.port}` };
  const guests = filters.map((definition, i) => ({
    filter: defineMilter({ name: `filter${i}`, ...definition }),
    more: { stages: ['connect', 'mail', 'rcpt', 'data'] },
  }));
  const h = await house(cleanup, guests, {
    delivery: { mode: 'through', routes: routes ?? [{ ...all, ...route }] },
    listeners: [
      {
        name: 'smtp',
        bind: '127.0.0.1:0',
        relay: { networks: ['127.0.0.0/8'], domains: ['in.test'] },
        ...listener,
      },
    ],
  });
  return Object.assign(h, { hop });
}

const line = ({ lines }: Reply): string => lines.join('|');
const none = (h: House): void =>
  assert.deepEqual(
    h.heard.filter(({ name }) => name === 'message.accepted' || name.startsWith('delivery.')),
    [],
  );

/** Says these commands one by one; the replies as they came. */
async function say(session: SmtpSession, ...lines: readonly string[]): Promise<string[]> {
  const replies: string[] = [];
  for (const text of lines) replies.push(line(await session.command(text)));
  return replies;
}

const MAIL = 'MAIL FROM:<a@out.test>';
const RCPT = 'RCPT TO:<b@in.test>';
const CONTENT = `${MESSAGE.replace('\r\n.', '\r\n..')}.`;

/** The script of a hop that answers one verb, or the dot, in its own way. */
const answering = (at: string, answer: string): HopScript =>
  at === 'dot'
    ? { content: () => answer }
    : { command: (said) => (said.startsWith(at) ? answer : undefined) };

test('2yz: the client hears the hop word for word at MAIL, RCPT and the final dot, and the hop has the message', async () => {
  const h = await passing({
    hop: {
      command: (said) => {
        if (said.startsWith('MAIL')) return '250-2.1.0 well\r\n250 2.1.0 well known';
        return said.startsWith('RCPT') ? '251 2.1.5 will forward' : undefined;
      },
      content: () => '250 2.6.0 <1@x> Queued mail for delivery',
    },
  });
  const session = await h.open();
  assert.deepEqual(await say(session, MAIL, RCPT, 'DATA', CONTENT), [
    '250-2.1.0 well|250 2.1.0 well known',
    '251 2.1.5 will forward',
    '354 End data with <CR><LF>.<CR><LF>',
    '250 2.6.0 <1@x> Queued mail for delivery',
  ]);
  assert.match(
    h.hop.delivered[0]!.content,
    /^Received: from client\.load\.test [^]*\r\nFrom: <a@out\.test>\r\n[^]*\r\n\r\n\.body\r\n$/,
  );
  const told = h.heard.find(({ name }) => name === 'message.passed')!.fields;
  assert.deepEqual([told['from'], told['to'], told['by']], ['a@out.test', ['b@in.test'], '127.0.0.1']);
  assert.deepEqual(told['replies'], ['250 2.6.0 <1@x> Queued mail for delivery']);
  none(h);
});

for (const [kind, reply] of [
  ['4yz', '450-4.7.1 come\r\n450 4.7.1 again'],
  ['5yz', '554 5.7.1 not \x01with\xfc us'],
  ['without enhanced code', '550 just no'],
] as const)
  test(`${kind}: the client hears the hop's refusal at each stage, and can go on`, async () => {
    const heard = reply.replace('\r\n', '|').replace('\x01', '?');
    for (const at of ['MAIL', 'RCPT', 'DATA', 'dot']) {
      const h = await passing({ hop: answering(at, reply) });
      const session = await h.open();
      const lines = [
        MAIL,
        ...(at === 'MAIL' ? [] : [RCPT]),
        ...(at === 'DATA' || at === 'dot' ? ['DATA', CONTENT] : []),
      ];
      const replies = await say(session, ...lines);
      assert.equal(replies.at(-1), heard, at);
      assert.equal(h.hop.delivered.length, 0);
      assert.equal(line(await session.command('RSET')).slice(0, 3), '250');
      assert.equal((await say(session, MAIL))[0]!.slice(0, 3), at === 'MAIL' ? heard.slice(0, 3) : '250');
      none(h);
      session.drop();
    }
  });

test('a refused recipient is refused alone, and neither hop nor filters have it in the message', async () => {
  const seen: string[] = [];
  const h = await passing({
    filters: [{ onMessage: (_s, env) => void seen.push(env.recipients.map((r) => r.address).join()) }],
    hop: { command: (said) => (said.includes('nobody') ? '550 5.1.1 nobody here' : undefined) },
  });
  const session = await h.open();
  assert.deepEqual(await say(session, MAIL, 'RCPT TO:<nobody@in.test>', RCPT), [
    '250 2.0.0 ok',
    '550 5.1.1 nobody here',
    '250 2.0.0 ok',
  ]);
  assert.equal((await say(session, 'DATA', CONTENT)).at(-1), '250 2.0.0 taken');
  assert.deepEqual(h.hop.delivered[0]!.rcpts, ['RCPT TO:<b@in.test>']);
  assert.equal(h.hop.sessions[0]!.lines.filter((l) => l.startsWith('MAIL')).length, 1);
});

test('a 421 of the hop ends its connection, not the client’s', async () => {
  const h = await passing({
    hop: {
      command: (said, { number }) =>
        said.startsWith('RCPT') && number === 1 ? '421 4.3.2 restarting<close>' : undefined,
    },
  });
  const session = await h.open();
  assert.deepEqual(await say(session, MAIL, RCPT, RCPT), [
    '250 2.0.0 ok',
    '451 4.3.2 restarting',
    '250 2.0.0 ok',
  ]);
  assert.equal((await say(session, 'DATA', CONTENT)).at(-1), '250 2.0.0 taken');
  assert.equal(h.hop.sessions.length, 2);
});

test('the hop dies at each stage: a temporary refusal that names nobody, and the next transaction is served', async () => {
  for (const at of ['MAIL', 'RCPT', 'DATA', 'dot']) {
    let dead = true;
    const dies = (): string | undefined => (dead ? '<close>' : undefined);
    const h = await passing({
      hop:
        at === 'dot' ? { content: dies } : { command: (said) => (said.startsWith(at) ? dies() : undefined) },
    });
    const session = await h.open();
    const lines = [
      MAIL,
      ...(at === 'MAIL' ? [] : [RCPT]),
      ...(at === 'DATA' || at === 'dot' ? ['DATA', CONTENT] : []),
    ];
    assert.equal(
      (await say(session, ...lines)).at(-1),
      '451 4.4.2 Connection to the next hop was lost, try again later',
      at,
    );
    assert.ok(h.heard.some(({ name }) => name === 'through.trouble'));
    dead = false;
    await say(session, 'RSET');
    assert.equal((await say(session, MAIL, RCPT, 'DATA', CONTENT)).at(-1), '250 2.0.0 taken', at);
    assert.equal(h.hop.delivered.length, 1);
    none(h);
    session.drop();
  }
});

test('no hop listens: 451 at MAIL, and with two of them the second one serves', async () => {
  const [closed] = await freePorts(1);
  const alone = await passing({ route: { to: `127.0.0.1:${closed}` } });
  assert.deepEqual(await say(await alone.open(), MAIL), [
    '451 4.4.1 Next hop cannot be reached, try again later',
  ]);
  const hop = await hopOf();
  const two = await passing({ route: { to: [`127.0.0.1:${closed}`, `127.0.0.1:${hop.port}`] } });
  assert.equal((await say(await two.open(), MAIL, RCPT, 'DATA', CONTENT)).at(-1), '250 2.0.0 taken');
  assert.equal(hop.delivered.length, 1);
});

test('a hop that hung up while the client wrote is told the envelope anew', async () => {
  const h = await passing({
    hop: {
      command: (said, { number }) =>
        said.startsWith('RCPT') && number === 1 ? '250 2.1.5 ok<close>' : undefined,
    },
  });
  const session = await h.open();
  await say(session, MAIL, RCPT, 'DATA');
  await until('both hung up', 2000, () => h.hop.sessions[0]!.closed);
  assert.equal(line(await session.command(CONTENT)), '250 2.0.0 taken');
  assert.equal(h.hop.delivered.length, 1);
});

test('filters speak first: what one refuses the hop never hears, what one throws away it does not get', async () => {
  const h = await passing({
    filters: [
      {
        needs: ['quarantine'],
        onMail: (_s, from) =>
          from.address.startsWith('bad') ? reject(550, '5.7.1', 'bad sender') : undefined,
        onRcpt: (_s, to) => {
          if (to.address.startsWith('bad')) return reject(550, '5.7.1', 'bad recipient');
          return to.address.startsWith('lost') ? discard : undefined;
        },
        onMessage: (_s, _env, m) => {
          const subject = m.headers.get('Subject') ?? '';
          if (subject.includes('bad')) return reject(550, '5.7.1', 'bad words');
          if (subject.includes('odd')) return quarantine('looks odd');
          return subject.includes('gone') ? discard : undefined;
        },
      },
    ],
  });
  const session = await h.open();
  const about = (subject: string): string => `Subject: ${subject}\r\n\r\nx\r\n.`;
  assert.deepEqual(await say(session, 'MAIL FROM:<bad@out.test>'), ['550 5.7.1 bad sender']);
  assert.equal(h.hop.sessions.length, 0);
  assert.equal((await say(session, MAIL, 'RCPT TO:<bad@in.test>'))[1], '550 5.7.1 bad recipient');
  assert.equal((await say(session, RCPT, 'DATA', about('bad'))).at(-1), '550 5.7.1 bad words');
  assert.equal(
    (await say(session, MAIL, RCPT, 'DATA', about('odd'))).at(-1),
    '550 5.7.1 Message refused by policy',
  );
  assert.match((await say(session, MAIL, RCPT, 'DATA', about('gone'))).at(-1)!, /^250 2\.0\.0 Ok/);
  assert.match(
    (await say(session, MAIL, 'RCPT TO:<lost@in.test>', 'DATA', about('x'))).at(-1)!,
    /^250 2\.0\.0 Ok/,
  );
  assert.equal(h.hop.delivered.length, 0);
  const lines = h.hop.sessions.flatMap((s) => s.lines);
  assert.ok(!lines.some((l) => l.includes('bad') || l.includes('lost') || l === 'DATA'), lines.join());
  assert.equal((await say(session, MAIL, RCPT, 'DATA', about('fine'))).at(-1), '250 2.0.0 taken');
  assert.equal(h.hop.sessions.length, 1, 'one connection served all');
  none(h);
});

test('what filters change is what the hop gets: header, body, sender, recipients', async () => {
  const h = await passing({
    filters: [
      {
        needs: [
          'addHeaders',
          'changeHeaders',
          'replaceBody',
          'addRecipient',
          'removeRecipient',
          'changeFrom',
        ],
        onMessage(_s, _env, m) {
          m.headers.set('Subject', 'two');
          m.replaceBody('new\n');
          m.changeFrom('other@out.test');
          m.addRecipient('c@in.test');
          m.removeRecipient('b@in.test');
        },
      },
    ],
  });
  const session = await h.open();
  assert.equal((await say(session, MAIL, RCPT, 'DATA', CONTENT)).at(-1), '250 2.0.0 taken');
  const [got] = h.hop.delivered;
  assert.equal(got!.mail, 'MAIL FROM:<other@out.test>');
  assert.deepEqual(got!.rcpts, ['RCPT TO:<c@in.test>']);
  assert.match(got!.content, /\r\nSubject: two\r\n\r\nnew\r\n$/);
});

test('a recipient added by a filter and refused by the hop refuses the message: nothing is lost unheard', async () => {
  const h = await passing({
    filters: [{ needs: ['addRecipient'], onMessage: (_s, _env, m) => m.addRecipient('c@in.test') }],
    hop: { command: (said) => (said.includes('<c@') ? '550 5.1.1 no c' : undefined) },
  });
  const session = await h.open();
  assert.equal((await say(session, MAIL, RCPT, 'DATA', CONTENT)).at(-1), '550 5.1.1 no c');
  assert.equal(h.hop.delivered.length, 0);
});

test('one next hop for each transaction: who belongs elsewhere is to come separately', async () => {
  const [one, two] = [await hopOf(), await hopOf()];
  const to = (hop: ScriptedHop, match: string) => ({ match, via: 'smtp', to: `127.0.0.1:${hop.port}` });
  const h = await passing({
    routes: [to(one, "rcpt == 'one@in.test'"), to(two, "rcpt == 'two@in.test'")],
  });
  const session = await h.open();
  const first = await say(
    session,
    MAIL,
    'RCPT TO:<none@in.test>',
    'RCPT TO:<one@in.test>',
    'RCPT TO:<two@in.test>',
  );
  assert.deepEqual(first, [
    '250 2.1.0 Ok',
    '451 4.4.4 No route to this recipient',
    '250 2.0.0 ok',
    '452 4.5.3 Send this recipient in a transaction of its own',
  ]);
  assert.equal((await say(session, 'DATA', CONTENT)).at(-1), '250 2.0.0 taken');
  assert.equal(
    (await say(session, MAIL, 'RCPT TO:<two@in.test>', 'DATA', CONTENT)).at(-1),
    '250 2.0.0 taken',
  );
  assert.deepEqual(
    [one, two].map((hop) => hop.delivered.map((m) => m.rcpts)),
    [[['RCPT TO:<one@in.test>']], [['RCPT TO:<two@in.test>']]],
  );
});

test('LMTP at both ends: each recipient has the hop’s own answer; an SMTP client sends one at a time', async () => {
  const hop: HopScript = {
    lmtp: true,
    content: ({ rcpts }) =>
      rcpts.map((r) => (r.includes('full') ? '452 4.2.2 full' : '250 2.0.0 in')).join('\r\n'),
  };
  const both = await passing({ hop, listener: { protocol: 'lmtp' } });
  const session = SmtpSession.open(both.port);
  await session.reply();
  await session.command('LHLO client.test');
  await say(session, MAIL, RCPT, 'RCPT TO:<full@in.test>', 'DATA');
  session.write(`${CONTENT}\r\n`);
  assert.deepEqual(
    [line(await session.reply()), line(await session.reply())],
    ['250 2.0.0 in', '452 4.2.2 full'],
  );
  const half = await passing({ hop });
  const smtp = await half.open();
  assert.deepEqual(
    (await say(smtp, MAIL, RCPT, 'RCPT TO:<full@in.test>')).map((r) => r.slice(0, 9)),
    ['250 2.0.0', '250 2.0.0', '452 4.5.3'],
  );
  assert.equal((await say(smtp, 'DATA', CONTENT)).at(-1), '250 2.0.0 in');
  assert.equal((await say(smtp, MAIL, 'RCPT TO:<full@in.test>', 'DATA', CONTENT)).at(-1), '452 4.2.2 full');
});

test('what the hop does not offer is not promised: size, internationalized addresses, DSN', async () => {
  const h = await passing({ hop: { offers: ['SIZE 1000'] } });
  const session = await h.open();
  assert.ok(!line(await session.command('EHLO x.test')).includes('DSN'));
  const big = `Subject: x\r\n\r\n${'y'.repeat(70)}\r\n`.padEnd(1200, 'z\r\n');
  assert.deepEqual(await say(session, `${MAIL} SIZE=1001`, 'MAIL FROM:<\xc3\xa9@out.test> SMTPUTF8'), [
    '552 5.3.4 Message is larger than the next hop takes',
    '553 5.6.7 Next hop does not take internationalized mail',
  ]);
  const late = await say(session, `${MAIL} SIZE=900`, RCPT, 'DATA', `${big}\r\n.`);
  assert.equal(late.at(-1), '552 5.3.4 Message is larger than the next hop takes');
  const utf8 = await say(session, `${MAIL} SMTPUTF8`, RCPT, 'DATA', 'Subject: \xc3\xa9\r\n\r\nx\r\n.');
  assert.equal(utf8.at(-1), '550 5.6.7 Next hop does not take internationalized mail');
  assert.equal(
    (await say(session, `${MAIL} BODY=8BITMIME`, RCPT, 'DATA', 'Subject: x\r\n\r\n\xe9\r\n.')).at(-1),
    '250 2.0.0 taken',
  );
  assert.equal(h.hop.delivered.length, 1);
  assert.ok(h.hop.sessions[0]!.lines.includes('MAIL FROM:<a@out.test> SIZE=900'));
});

test('a route has so many transactions at a time; the place is free again when one ends', async () => {
  const h = await passing({
    route: { concurrency: 1 },
    hop: { command: (said) => (said.includes('<bad@') ? '550 5.1.8 bad' : undefined) },
  });
  const [one, two] = [await h.open(), await h.open()];
  assert.equal((await say(one, MAIL))[0], '250 2.0.0 ok');
  assert.equal(
    (await say(two, MAIL))[0],
    '451 4.4.5 Too many transactions with the next hop, try again later',
  );
  await say(one, 'RSET');
  assert.equal((await say(one, 'MAIL FROM:<bad@out.test>'))[0], '550 5.1.8 bad');
  assert.equal((await say(two, MAIL))[0], '250 2.0.0 ok');
  two.drop();
  await until('the place is free', 2000, async () => (await say(one, MAIL))[0] === '250 2.0.0 ok');
});

test('a kept connection that died is replaced without the client noticing', async () => {
  const h = await passing({
    hop: {
      content: (_m, { number }) => (number === 1 ? '250 2.0.0 taken' : undefined),
      command: (said, { messages, number }) =>
        said.startsWith('MAIL') && messages > 0 && number === 1 ? '<close>' : undefined,
    },
  });
  const session = await h.open();
  for (let i = 0; i < 2; i++)
    assert.equal((await say(session, MAIL, RCPT, 'DATA', CONTENT)).at(-1), '250 2.0.0 taken');
  assert.equal(h.hop.sessions.length, 2);
});

test('a client that goes away before the final dot leaves nothing at the hop but RSET', async () => {
  const h = await passing();
  const session = await h.open();
  await say(session, MAIL, RCPT, 'DATA');
  session.write('Subject: half\r\n');
  session.drop();
  await until('RSET', 2000, () => h.hop.sessions[0]!.lines.includes('RSET'));
  assert.ok(!h.hop.sessions[0]!.lines.includes('DATA'));
});

test('killed while the hop has not answered: no 250 was said, and neither queue nor spool has anything', async () => {
  let waiting = 0;
  const hop = await hopOf({ content: () => (waiting++ < 3 ? '' : undefined) });
  const folder = await tempFolder(cleanup);
  const [port = 0] = await freePorts(1);
  const gateway = await Gateway.start(cleanup, {
    folder,
    ports: [port],
    configuration: JSON.stringify({
      hostname: 'mx.test',
      stateDir: join(folder, 'state'),
      listeners: [{ name: 'smtp', bind: `127.0.0.1:${port}` }],
      delivery: { mode: 'through', routes: [{ match: 'true', via: 'smtp', to: `127.0.0.1:${hop.port}` }] },
    }),
  });
  const large = `Subject: large\r\n\r\n${'0123456789abcdef\r\n'.repeat(20_000)}`;
  const clients = await Promise.all([1, 2, 3].map(() => SmtpSession.greeted(port)));
  const answers = clients.map((client) =>
    client.transaction('a@out.test', ['b@localhost'], large).then(
      ({ reply }) => reply.code,
      () => 'lost',
    ),
  );
  await until('the hop has all three', 5000, () => waiting === 3);
  await gateway.kill();
  assert.deepEqual(await Promise.all(answers), ['lost', 'lost', 'lost']);
  assert.deepEqual(await gateway.queue(), []);
  await gateway.start();
  const session = await SmtpSession.greeted(port);
  const { reply } = await session.transaction('a@out.test', ['b@localhost'], large);
  assert.equal(line(reply), '250 2.0.0 taken');
  await session.quit();
  assert.equal(hop.delivered.length, 1);
  assert.deepEqual(await gateway.queue(), []);
  const files = await readdir(join(folder, 'state', 'spool'), { recursive: true });
  assert.deepEqual(
    files.filter((f) => f.startsWith('incoming/') || f.startsWith('bodies/')),
    [],
  );
  assert.equal(await gateway.stop(), 0);
});
