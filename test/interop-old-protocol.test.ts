/**
 * Filters that speak an old version of the protocol: one played by hand that answers with version 2, 3 or 4, one that was
 * offered no more than version 2, and libmilter of today offered version 2. They hear nothing that their version does not
 * know, and what they do has its effect.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ALL,
  ALL_NR,
  delivered,
  expected,
  session,
  skip,
  startEveryStep,
  STEPS,
} from './support/every-step.ts';
import { compiled, freePlace, guestAt, TRANSPORTS } from './support/filter-program.ts';
import { Cleanup } from './support/folders.ts';
import { frame, frames, house, rawFilter } from './support/house.ts';
import { sameBytes, startOutbox, withoutTrace } from './support/outbox.ts';
import { until } from './support/wait.ts';

const uint32 = (n: number): string =>
  String.fromCharCode(n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255);

/** A choice: version, actions, protocol bits. */
const choice = (version: number, actions: number, protocol: number): string =>
  frame('O', uint32(version) + uint32(actions) + uint32(protocol));

const OFFER_6 = uint32(6) + uint32(0x1ff) + uint32(0x1fffff);
const OFFER_2 = uint32(2) + uint32(0x3f) + uint32(0x7f);

interface OldPeer {
  readonly port: number;
  /** Payloads of the offers. */
  readonly offers: string[];
  /** What came, as letters; macros as D and the letter of their command. */
  readonly heard: string[];
}

/** A filter of that version that answers everything it knows, and changes the message at the end as such filters could. */
async function oldPeer(cleanup: Cleanup, version: number): Promise<OldPeer> {
  const peer = { offers: [] as string[], heard: [] as string[] };
  const port = await rawFilter(cleanup, (socket) =>
    frames(socket, (code, payload) => {
      peer.heard.push(code === 'D' ? `D${payload[0]}` : code);
      const say = (bytes: string): void => void socket.write(bytes, 'latin1');
      if (code === 'O') {
        peer.offers.push(payload);
        say(choice(version, 0x3f, 0));
      } else if (code === 'E') {
        say(frame('p') + frame('h', 'X-Added\0by version ' + version + '\0'));
        say(frame('i', `${uint32(1)}X-Inserted\0yes\0`) + frame('m', `${uint32(1)}Subject\0changed\0`));
        say(
          frame('b', 'new ') +
            frame('b', 'body\r\n') +
            frame('+', '<d@in.test>\0') +
            frame('-', '<b@in.test>\0'),
        );
        say(frame('a'));
      } else if ('CHMRTLNBU'.includes(code)) say(frame('c'));
    }),
  );
  return { port, ...peer };
}

const MESSAGE = 'From: <a@out.test>\r\nSubject: old\r\n\r\nbody\r\n';

/** What a peer hears of the session below: commands without the macros before them. */
function wanted(version: number): string {
  const unknown = version >= 3 ? 'U' : '';
  const data = version >= 4 ? 'T' : '';
  return `OCHMRA${unknown}MR${data}LLNBEMR${data}LLNBEQ`;
}

for (const version of [2, 3, 4, 6])
  for (const [name, protocolVersion, offer] of [
    ['offered version 6', 'v6', OFFER_6],
    ['offered version 2', 'v2', OFFER_2],
  ] as const)
    if (protocolVersion === 'v6' || version === 2)
      test(`a filter that answers version ${version}, ${name}`, { timeout: 30_000 }, async (t) => {
        const cleanup = new Cleanup(t);
        const peer = await oldPeer(cleanup, version);
        const outbox = await startOutbox(cleanup);
        const guest = { port: peer.port, more: { ...ALL, protocolVersion } };
        const h = await house(cleanup, [guest], { delivery: outbox.delivery });
        const client = await h.open();
        await client.command('MAIL FROM:<a@out.test>');
        await client.command('RCPT TO:<b@in.test>');
        assert.equal((await client.command('RSET')).code, 250);
        assert.equal((await client.command('FOO bar')).code, 500);
        for (const n of [1, 2]) {
          const { at, reply } = await client.transaction('a@out.test', ['b@in.test'], MESSAGE);
          assert.equal(`${at} ${reply.code}`, 'end 250', reply.text);
          const taken = await outbox.message(n);
          sameBytes(
            withoutTrace(taken.content),
            `R\r\nX-Inserted: yes\r\nFrom: <a@out.test>\r\nSubject: changed\r\nX-Added: by version ${version}\r\n\r\nnew body\r\n`,
          );
          assert.deepEqual(taken.recipients, ['d@in.test']);
        }
        await client.quit();
        await until('QUIT', 5000, () => peer.heard.at(-1) === 'Q');
        assert.deepEqual(peer.offers, [offer]);
        // An ABORT after a message that is over may come (reference 7.3); nothing else beyond these.
        const commands = peer.heard.filter((code) => code.length === 1).join('');
        assert.equal(commands.replaceAll('EA', 'E'), wanted(version));
        // Macros come directly before the command they belong to, and only before one that is sent.
        for (const [i, code] of peer.heard.entries())
          if (code.length === 2) assert.equal(peer.heard[i + 1], code[1], peer.heard.join(' '));
      });

for (const version of [0, 1, 7])
  test(
    `a filter that answers version ${version} cannot be used, and its policy decides`,
    { timeout: 30_000 },
    async (t) => {
      const cleanup = new Cleanup(t);
      const peer = await oldPeer(cleanup, version);
      const h = await house(cleanup, [{ port: peer.port, more: ALL }]);
      const client = await h.open();
      assert.match((await client.command('MAIL FROM:<a@out.test>')).lines.join('|'), /^451 4\.7\.1 /);
      const failures = h.heard.filter((n) => n.name === 'milter.failed');
      assert.ok(failures.length > 0 && failures.every((n) => n.fields['kind'] === 'negotiation'));
      await client.quit();
    },
  );

for (const transport of TRANSPORTS)
  test(`libmilter over ${transport}, offered version 2`, { skip, timeout: 60_000 }, async (t) => {
    const program = await compiled(new Cleanup(t), 'every-step');
    const unknown = STEPS.unknown[0] | STEPS.data[0];
    for (const [name, bits, left] of [
      ['no flag', 0, 0],
      ['no header, no body', STEPS.header[0] | STEPS.body[0], STEPS.header[0] | STEPS.body[0]],
      // These were not offered: the library says that it can do them by itself, and answers for the filter.
      ['no reply to anything, and space before values', ALL_NR | 0x100000, 0],
    ] as const)
      await t.test(name, async (t) => {
        const cleanup = new Cleanup(t);
        const place = await freePlace(cleanup, transport);
        const peer = await startEveryStep(cleanup, program, place, ['-p', bits.toString(16)]);
        const outbox = await startOutbox(cleanup);
        const guest = guestAt(place, { ...ALL, protocolVersion: 'v2' });
        const h = await house(cleanup, [guest], { delivery: outbox.delivery });
        await session(h);
        await until('the end of the conversation', 5000, () => peer.lines.at(-1) === 'close');
        assert.deepEqual(peer.lines, expected(left | unknown, '3f ff0ff'));
        await delivered(outbox, 0);
      });
  });
