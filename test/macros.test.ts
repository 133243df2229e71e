// The macros a filter is sent: every one of the specification's list, at its stage, with its value; and the lists filters ask for.
import assert from 'node:assert/strict';
import { scryptSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathOf, type Origin } from '#message';
import { systemClock } from '#gateway';
import { passwordHashText } from '#gateway/config';
import { Chain, FilterAccess, type FilterSettings, type StageSurroundings } from '#stages';
import { makeAuthority, type KeyPair } from './support/certificates.ts';
import { Cleanup, tempFolder } from './support/folders.ts';
import { frame, frames, house, rawFilter, WANTS_ALL, type House } from './support/house.ts';
import { skipWithout } from './support/processes.ts';
import { SmtpSession } from './support/smtp-session.ts';

const ALL = { stages: ['connect', 'ehlo', 'auth', 'mail', 'rcpt', 'data'], nudge: false };
const MESSAGE = 'Subject: one\r\nMessage-ID: <1@out.test>\r\n\r\nbody\r\n';
const DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000$/;

type Macros = Readonly<Record<string, string>>;

/** The macros before one command; `of` is its letter. */
interface Sent {
  readonly of: string;
  readonly macros: Macros;
}

/** A filter that continues at everything and keeps the macros; `lists` by number of the stage is the tail of its choice. */
async function listening(cleanup: Cleanup, lists: Readonly<Record<number, string>> = {}) {
  const sent: Sent[] = [];
  const tail = Object.entries(lists).map(
    ([stage, names]) => `\0\0\0${String.fromCharCode(+stage)}${names}\0`,
  );
  const choice = frame('O', WANTS_ALL.slice(5) + tail.join(''));
  const port = await rawFilter(cleanup, (socket) =>
    frames(socket, (code, payload) => {
      if (code === 'D') sent.push({ of: payload[0]!, macros: macrosIn(payload.slice(1)) });
      else if (code === 'O') socket.write(choice, 'latin1');
      else if ('CHMRTLNBEU'.includes(code)) socket.write(frame('c'), 'latin1');
    }),
  );
  return { port, sent };
}

function macrosIn(payload: string): Macros {
  const texts = payload.split('\0').slice(0, -1);
  assert.equal(texts.length % 2, 0, 'names and values in pairs');
  const macros: Record<string, string> = {};
  for (let i = 0; i < texts.length; i += 2) macros[texts[i]!] = texts[i + 1]!;
  return macros;
}

/** The macros of the only command of that letter. */
function only(sent: readonly Sent[], of: string): Macros {
  const found = sent.filter((s) => s.of === of);
  assert.equal(found.length, 1, `${found.length} sets of macros for ${of}`);
  return found[0]!.macros;
}

/** A stored password that is cheap to check. */
function passwordOf(password: string): string {
  const salt = Buffer.from('0123456789abcdef');
  const hash = scryptSync(password, salt, 32, { N: 2 ** 10, r: 8, p: 1 });
  return passwordHashText({ kind: 'scrypt', ln: 10, r: 8, p: 1, salt, hash });
}

/** The queue id of the message, from the log. */
const idOf = (h: House): string => String(h.heard.find((n) => n.name === 'message.accepted')?.fields['id']);

const mailTo = (session: SmtpSession, ...to: string[]) => session.transaction('a@out.test', to, MESSAGE);

test('a filter without lists of its own is sent all that is known, at the stage where it is known', async (t) => {
  const cleanup = new Cleanup(t);
  const { port, sent } = await listening(cleanup);
  const h = await house(cleanup, [{ port, more: ALL }]);
  const session = await h.open();
  assert.equal((await mailTo(session, 'b@in.test', 'c@in.test')).reply.code, 250);
  const { b = '', v = '', ...connect } = only(sent, 'C');
  assert.match(b, DATE);
  assert.ok(Math.abs(Date.parse(b) - Date.now()) < 60_000, b);
  assert.match(v, /^Millrace \d+\.\d+\.\d+/);
  assert.deepEqual(connect, {
    j: 'mx.test',
    _: 'localhost [127.0.0.1]',
    '{daemon_name}': 'smtp',
    '{daemon_addr}': '127.0.0.1',
    '{daemon_port}': String(h.port),
    '{if_name}': 'localhost',
    '{client_addr}': '127.0.0.1',
    '{client_name}': 'localhost',
    '{client_ptr}': 'localhost',
    '{client_port}': String(session.localPort),
    '{client_resolve}': 'OK',
    '{client_connections}': '1',
  });
  assert.deepEqual(only(sent, 'H'), { s: 'client.load.test', r: 'ESMTP' });
  const i = idOf(h);
  assert.match(i, /^\w{8,}$/);
  assert.deepEqual(only(sent, 'M'), {
    i,
    r: 'ESMTP',
    '{mail_mailer}': 'local',
    '{mail_host}': 'out.test',
    '{mail_addr}': 'a@out.test',
  });
  assert.deepEqual(
    sent.filter((s) => s.of === 'R').map((s) => s.macros),
    ['b@in.test', 'c@in.test'].map((address) => ({
      i,
      '{rcpt_mailer}': 'local',
      '{rcpt_host}': 'in.test',
      '{rcpt_addr}': address,
    })),
  );
  assert.deepEqual([only(sent, 'T'), only(sent, 'N')], [{ i }, { i }]);
  assert.deepEqual(only(sent, 'E'), { i, '{msg_id}': '<1@out.test>' });
  // Another client while the first is there: it is counted; and a message without sender and Message-ID has none.
  sent.length = 0;
  const other = await h.open();
  assert.equal((await other.transaction('', ['b@in.test'], 'Subject: x\r\n\r\n')).reply.code, 250);
  assert.equal(only(sent, 'C')['{client_connections}'], '2');
  assert.deepEqual(Object.keys(only(sent, 'M')), ['i', 'r']);
  assert.deepEqual(Object.keys(only(sent, 'E')), ['i']);
  assert.notEqual(only(sent, 'E')['i'], i);
  await Promise.all([session.quit(), other.quit()]);
});

test(
  'after STARTTLS the next greeting brings the TLS macros, and what became of the client’s certificate',
  { skip: skipWithout('openssl') },
  async (t) => {
    const cleanup = new Cleanup(t);
    const { port, sent } = await listening(cleanup);
    const folder = await tempFolder(cleanup);
    const authority = await makeAuthority(cleanup);
    const own = await authority.selfSigned({ names: 'DNS:mx.test' });
    const tls = { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    await writeFile(tls.certificate, own.cert);
    await writeFile(tls.key, own.key);
    const trusted = await authority.sign({ names: 'DNS:client.test' });
    const stranger = await authority.selfSigned({ names: 'DNS:client.test' });
    const known = { '{cert_subject}': '/CN=filter', '{cert_issuer}': '/CN=ca.test' };
    const clientCa = authority.file;
    for (const [settings, certificate, verify, names] of [
      [tls, trusted, 'NOT', {}],
      [{ ...tls, clientCa }, undefined, 'NO', {}],
      [{ ...tls, clientCa }, stranger, 'FAIL', {}],
      [{ ...tls, clientCa }, trusted, 'OK', known],
    ] as const) {
      const h = await house(cleanup, [{ port, more: ALL }], { listeners: [LISTENER], tls: settings });
      const session = await h.open();
      assert.deepEqual(only(sent, 'H'), { s: 'client.load.test', r: 'ESMTP' });
      sent.length = 0;
      assert.equal((await session.command('STARTTLS')).code, 220);
      await session.secure({ servername: 'mx.test', ...(certificate satisfies KeyPair | undefined) });
      assert.equal((await session.command('EHLO again.test')).code, 250);
      assert.deepEqual(only(sent, 'H'), {
        s: 'again.test',
        r: 'ESMTPS',
        '{tls_version}': 'TLSv1.3',
        '{cipher}': 'TLS_AES_256_GCM_SHA384',
        '{cipher_bits}': '256',
        '{verify}': verify,
        '{tls_sni}': 'mx.test',
        ...names,
      });
      // The conversation is the old one, and nothing of the connection is told twice.
      assert.equal((await mailTo(session, 'b@in.test')).reply.code, 250);
      assert.equal(only(sent, 'M')['r'], 'ESMTPS');
      assert.deepEqual(
        sent.filter((s) => s.of === 'C'),
        [],
      );
      sent.length = 0;
      await session.quit();
    }
  },
);

const LISTENER = { name: 'smtp', bind: '127.0.0.1:0', tls: 'starttls', relay: { domains: ['in.test'] } };

test('a list of the filter’s own replaces that of its stage, an empty one means none, a stage not named keeps its list', async (t) => {
  const cleanup = new Cleanup(t);
  const lists = { 0: '{v},j {nobody_knows}', 1: '', 2: '{client_addr} {daemon_name} {rcpt_addr}', 5: 'j' };
  const { port, sent } = await listening(cleanup, lists);
  const h = await house(cleanup, [{ port, more: ALL }]);
  const session = await h.open();
  assert.equal((await mailTo(session, 'b@in.test')).reply.code, 250);
  await session.quit();
  assert.deepEqual(Object.keys(only(sent, 'C')), ['v', 'j']);
  assert.equal(sent.filter((s) => s.of === 'H').length, 0);
  assert.deepEqual(only(sent, 'M'), { '{client_addr}': '127.0.0.1', '{daemon_name}': 'smtp' });
  assert.deepEqual(Object.keys(only(sent, 'R')), ['i', '{rcpt_mailer}', '{rcpt_host}', '{rcpt_addr}']);
  assert.deepEqual([only(sent, 'T'), only(sent, 'N')], [{ i: idOf(h) }, { i: idOf(h) }]);
  assert.deepEqual(only(sent, 'E'), { j: 'mx.test' });
});

test('a client that authenticates: the filter hears of it at the next MAIL, and of the author it names', async (t) => {
  const cleanup = new Cleanup(t);
  const { port, sent } = await listening(cleanup);
  const h = await house(cleanup, [{ port, more: ALL }], {
    users: [{ name: 'ann@in.test', password: passwordOf('secret') }],
    listeners: [
      {
        ...{ name: 'smtp', bind: '127.0.0.1:0', auth: 'optional', insecureAuth: true },
        relay: { networks: [], domains: ['in.test'] },
      },
    ],
  });
  const session = await h.open();
  const of = (name: string): string | undefined => sent.findLast((s) => s.of === 'M')!.macros[name];
  await session.expect(250, await session.command('MAIL FROM:<a@out.test>'));
  assert.deepEqual([of('r'), of('{auth_authen}'), of('{auth_type}')], ['ESMTP', undefined, undefined]);
  await session.command('RSET');
  sent.length = 0;
  const token = Buffer.from('\0ann@in.test\0secret').toString('base64');
  await session.expect(235, await session.command(`AUTH PLAIN ${token}`));
  // AUTH has no event: nothing is sent for it.
  assert.deepEqual(sent, []);
  for (const [mail, author] of [
    ['MAIL FROM:<ann@in.test>', undefined],
    ['MAIL FROM:<ann@in.test> AUTH=boss+2Btag@in.test', 'boss+tag@in.test'],
    ['MAIL FROM:<ann@in.test> AUTH=<>', '<>'],
  ] as const) {
    await session.expect(250, await session.command(mail));
    assert.deepEqual([of('{auth_authen}'), of('{auth_type}')], ['ann@in.test', 'PLAIN']);
    assert.equal(of('{auth_author}'), author, mail);
    assert.equal(of('r'), 'ESMTPA');
    await session.command('RSET');
  }
  await session.quit();
});

// From the stages themselves: every client here is on this machine.
test('who authenticated is told at MAIL, not before; a filter of the auth stage alone is told of the client when it does', async (t) => {
  const cleanup = new Cleanup(t);
  const { port, sent } = await listening(cleanup);
  const around = surroundings();
  const filter = new FilterAccess(settingsFor(port), around);
  cleanup.after(() => filter.close());
  const chain = new Chain({ ...around, filters: [filter] }, STRANGER);
  cleanup.after(() => chain.close());
  const greeted: Origin = { ...STRANGER, helo: 'helo.test', heloVerb: 'EHLO' };
  assert.deepEqual(
    [await chain.connect(), await chain.helo(greeted)].map((r) => r.kind),
    ['pass', 'pass'],
  );
  assert.equal(sent.length, 0);
  const known = { ...greeted, user: 'alice@in.test', authMethod: 'PLAIN' };
  assert.equal((await chain.auth(known)).kind, 'pass');
  assert.deepEqual(
    sent.map((s) => s.of),
    ['C', 'H'],
  );
  assert.equal(only(sent, 'C')['_'], 'forged.test [2001:db8::7] (may be forged)');
  assert.equal(only(sent, 'C')['{client_name}'], 'unknown');
  assert.equal(only(sent, 'C')['b'], 'Thu, 01 Jan 1970 00:00:00 +0000');
  assert.equal(Object.keys(only(sent, 'C')).filter((name) => name.startsWith('{auth')).length, 0);
  assert.equal(only(sent, 'H')['r'], 'ESMTPA');
  // Asked at auth alone it hears nothing of the message. One of the mail stage does.
  assert.equal((await chain.mail('Q1', pathOf('a@out.test'), [])).kind, 'pass');
  assert.equal(sent.length, 2);
  const second = new FilterAccess({ ...settingsFor(port), stages: new Set(['mail']) }, around);
  cleanup.after(() => second.close());
  const mailing = new Chain({ ...around, filters: [second] }, known);
  cleanup.after(() => mailing.close());
  sent.length = 0;
  assert.equal((await mailing.mail('Q2', pathOf('a@out.test'), ['AUTH=b+40out.test'])).kind, 'pass');
  assert.deepEqual(only(sent, 'M'), {
    i: 'Q2',
    r: 'ESMTPA',
    '{auth_type}': 'PLAIN',
    '{auth_authen}': 'alice@in.test',
    '{auth_author}': 'b@out.test',
    '{auth_ssf}': '0',
    '{mail_mailer}': 'smtp',
    '{mail_host}': 'hop.test',
    '{mail_addr}': 'a@out.test',
  });
});

const STRANGER: Origin = {
  listener: 'submission',
  protocol: 'smtp',
  session: 's',
  remoteAddress: '2001:db8::7',
  remotePort: 40_000,
  localAddress: '2001:db8::1',
  localPort: 587,
  clientName: '',
  clientPtr: 'forged.test',
  helo: '',
  heloVerb: '',
  tls: null,
  user: '',
  authMethod: '',
  clientConnections: 1,
};

const surroundings = (): StageSurroundings => ({
  filters: [],
  hostname: 'mx.test',
  version: 'Millrace',
  mailerOf: () => ({ mailer: 'smtp', host: 'hop.test' }),
  clock: { ...systemClock, now: () => 0 },
  notices: () => undefined,
});

const settingsFor = (port: number): FilterSettings => ({
  name: 'f',
  client: {
    endpoint: { kind: 'tcp', host: '127.0.0.1', port },
    tls: null,
    offer: { version: 6, actions: 0x1ff, protocol: 0x1fffff },
    timeoutConnect: 2000,
    timeoutCommand: 2000,
    timeoutData: 2000,
    timeoutMessage: 5000,
    maxResponseSize: 1 << 20,
    maxBodySize: 1 << 20,
    maxEdits: 100,
    pipeline: true,
    nudge: false,
  },
  stages: new Set(['auth']),
  enable: { constant: true, holds: () => true },
  input: 'chained',
  onError: 'tempfail',
  reuse: false,
  parallel: false,
});
