// False ends of content, cut into segments at every byte: one answer each, nothing smuggled, and no lone CR or LF ever leaves.
import assert from 'node:assert/strict';
import { scryptSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { passwordHashText } from '#gateway/config';
import { makeAuthority } from './support/certificates.ts';
import { Cleanup, tempFolder } from './support/folders.ts';
import { house, type House } from './support/house.ts';
import { skipWithout } from './support/processes.ts';
import { Random, seed } from './support/random.ts';
import { startRawHop, type RawHop } from './support/raw-hop.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { pause, until } from './support/wait.ts';

// Reference reliability S01, written anew.
const FALSE_ENDS = [
  '\n.\n',
  '\n.\r\n',
  '\r\n.\n',
  '\r.\r',
  '\r.\n',
  '\n.\r',
  '\r.\r\n',
  '\r\n.\r',
  '\r\n.\r\r\n',
  '\r\n\0.\r\n',
  '\r\n.\0\r\n',
];

const SMUGGLED = 'MAIL FROM:<evil@out.test>\r\nRCPT TO:<victim@in.test>\r\nDATA\r\nSubject: evil\r\n\r\nevil';
const TRUE_END = '\r\n.\r\n';
const LONE = /(?<!\r)\n|\r(?!\n)/;
const HEADER = (id: string): string => `X-Case: ${id}\r\nSubject: s\r\n\r\n`;

type Rule = 'reject' | 'normalise';

/** What `millrace user hash` prints, a little cheaper. */
function passwordHash(): string {
  const salt = Buffer.from('0123456789abcdef');
  const hash = scryptSync('secret', salt, 32, { N: 2 ** 14, r: 8, p: 1 });
  return passwordHashText({ kind: 'scrypt', ln: 14, r: 8, p: 1, salt, hash });
}

/** A gateway with a listener for strangers and one for users inside TLS, both of that rule, and the hop where everything goes. */
async function gatewayWith(cleanup: Cleanup, rule: Rule): Promise<{ h: House; hop: RawHop }> {
  const hop = await startRawHop(cleanup);
  const folder = await tempFolder(cleanup);
  const own = await (await makeAuthority(cleanup)).selfSigned({ names: 'DNS:mx.test' });
  const tls = { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  await writeFile(tls.certificate, own.cert);
  await writeFile(tls.key, own.key);
  const relay = { networks: [], domains: ['in.test'] };
  const listener = { bind: '127.0.0.1:0', relay, bareLineEnds: rule, maxConnectionsPerClient: 200 };
  const h = await house(cleanup, [], {
    listeners: [
      { ...listener, name: 'smtp' },
      { ...listener, name: 'submission', tls: 'require', auth: 'required' },
    ],
    tls,
    users: [{ name: 'ann', password: passwordHash(), senders: ['@out.test'] }],
    delivery: { routes: [{ match: 'true', via: 'smtp', to: [`127.0.0.1:${hop.port}`], tls: 'off' }] },
  });
  return { h, hop };
}

const DOORS = ['smtp', 'submission'] as const;

/** A session behind EHLO; on the submission listener inside TLS and logged in. */
async function through(door: (typeof DOORS)[number], { gateway }: House): Promise<SmtpSession> {
  const session = await SmtpSession.greeted(Number(gateway.addresses.get(door)![0]!.split(':').at(-1)));
  if (door === 'smtp') return session;
  await session.expect(220, await session.command('STARTTLS'));
  await session.secure();
  await session.expect(250, await session.command('EHLO client.test'));
  const response = Buffer.from('\0ann\0secret').toString('base64');
  await session.expect(235, await session.command(`AUTH PLAIN ${response}`));
  return session;
}

/** Up to 354. */
async function atContent(session: SmtpSession): Promise<void> {
  await session.expect(250, await session.command('MAIL FROM:<a@out.test>'));
  await session.expect(250, await session.command('RCPT TO:<b@in.test>'));
  await session.expect(354, await session.command('DATA'));
}

/** Sends in two segments: the pause, and two rounds of the loop that the gateway shares with us, make two reads of them. */
async function sendSplit(session: SmtpSession, bytes: string, at: number): Promise<void> {
  session.write(bytes.slice(0, at));
  if (at === bytes.length) return;
  await pause(2);
  for (let round = 0; round < 2; round++) await new Promise(setImmediate);
  session.write(bytes.slice(at));
}

/** One transaction with this false end, cut at `at`: the one reply's code. Throws when there was another. */
async function attempt(session: SmtpSession, bytes: string, at: number): Promise<string> {
  await atContent(session);
  await sendSplit(session, bytes, at);
  const reply = await session.reply();
  const noop = await session.command('NOOP');
  assert.equal(`${noop.code} ${noop.text}`, '250 2.0.0 OK', 'one reply and no more');
  return `${reply.code} ${reply.text.split(' ')[0]}`;
}

for (const rule of ['reject', 'normalise'] as const)
  test(
    `S01, S02: 11 false ends, whole and cut at every byte, smuggle nothing through two listeners (${rule})`,
    { skip: skipWithout('openssl') },
    async (t) => {
      const cleanup = new Cleanup(t);
      const { h, hop } = await gatewayWith(cleanup, rule);
      let attempts = 0;
      let taken = 0;
      const play = async (door: (typeof DOORS)[number], end: string, n: number): Promise<void> => {
        const session = await through(door, h);
        const refused = rule === 'reject' || end.includes('\0');
        const bytes = `${HEADER(`${door}-${n}`)}body${end}${SMUGGLED}${TRUE_END}`;
        for (let at = 1; at <= bytes.length; at++) {
          const answer = await attempt(session, bytes, at);
          const told = `${JSON.stringify(end)} cut at ${at} through ${door}`;
          assert.equal(answer, refused ? '550 5.6.0' : '250 2.0.0', told);
          attempts++;
          if (!refused) taken++;
        }
        await session.quit();
      };
      await Promise.all(DOORS.flatMap((door) => FALSE_ENDS.map((end, n) => play(door, end, n))));
      assert.ok(attempts > 2 * 11 * 100, `${attempts} attempts`);
      const accepted = h.heard.filter((n) => n.name === 'message.accepted');
      assert.equal(accepted.length, taken);
      assert.ok(accepted.every((n) => n.fields['from'] === 'a@out.test'));
      if (taken > 0) await until('all to be delivered', 10_000, () => hop.acknowledged.length >= taken);
      assert.equal(hop.contents.length, taken);
      for (const { bytes } of hop.connections) {
        assert.doesNotMatch(bytes, LONE);
        // What was to be smuggled stands inside a content, never between contents.
        const commands = bytes.replaceAll(/DATA\r\n[^]*?\r\n\.\r\n/g, '');
        assert.doesNotMatch(commands, /evil|victim/);
      }
    },
  );

/** What `normalise` makes of content, written after the rule: CRLF ends lines, a dot at the start of a line goes, then lone ends are completed. */
function normalised(content: string): string {
  return content
    .split('\r\n')
    .map((line) => (line.startsWith('.') ? line.slice(1) : line).replaceAll(/\r|\n/g, '\r\n'))
    .join('\r\n');
}

/** Dots doubled, as a next hop must get them. */
const stuffed = (content: string): string => content.replaceAll(/^\./gm, '..');

const BODIES = [
  'lone\nline\nfeeds',
  'lone\rreturns\r\rtwo',
  'two returns\r\r\nand a line feed',
  'dots\n..\r\nbehind a lone line feed',
  'a dot\n.\nalone',
  'a dot\r.\ralone',
  '..\r\n...\r\n..x',
  '\n',
  '\r',
  '\r\n\r\r\n\n',
  '.\r.\n.\r..',
  `${'x'.repeat(70_000)}\n.${'y'.repeat(70_000)}\r.\r`,
];

test('S04: with normalise a next hop gets no lone CR or LF, every dot at a line start stuffed, and one end', async (t) => {
  const cleanup = new Cleanup(t);
  const from = seed();
  t.diagnostic(`seed ${from} (MILLRACE_SEED=${from} repeats it)`);
  const { h, hop } = await gatewayWith(cleanup, 'normalise');
  const random = new Random(from);
  const bodies = [...BODIES];
  while (bodies.length < 250) {
    let body = '';
    for (let left = random.whole(1, 40); left > 0; left--) body += '\r\n.. \r\nab'[random.whole(0, 8)];
    // A true end of content may not stand within it.
    if (!`\r\n${body}\r\n`.includes(TRUE_END)) bodies.push(body);
  }
  const play = async (first: number, step: number): Promise<void> => {
    const session = await SmtpSession.greeted(h.port);
    for (let n = first; n < bodies.length; n += step) {
      const bytes = `${HEADER(`n${n}.`)}${bodies[n]!}${TRUE_END}`;
      const answer = await attempt(session, bytes, random.whole(1, bytes.length));
      assert.equal(answer, '250 2.0.0', JSON.stringify(bodies[n]!.slice(0, 80)));
    }
    await session.quit();
  };
  await Promise.all(Array.from({ length: 10 }, (_, first) => play(first, 10)));
  await until('all to be delivered', 10_000, () => hop.acknowledged.length >= bodies.length);
  for (const { bytes } of hop.connections) assert.doesNotMatch(bytes, LONE);
  assert.equal(hop.contents.length, bodies.length);
  for (const content of hop.contents) {
    const n = Number(/^X-Case: n(\d+)\.\r\n/m.exec(content)?.[1]);
    const body = content.slice(content.indexOf('\r\n\r\n') + 4);
    assert.equal(body, stuffed(normalised(`${bodies[n]!}\r\n`)), JSON.stringify(bodies[n]!.slice(0, 80)));
  }
});
