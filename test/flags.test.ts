// Flags over real sockets: events that a filter does not want are not sent, those it does not answer are not waited for, and
// flagsAction and flagsProtocol are the offer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cleanup } from './support/folders.ts';
import { frame, frames, house, rawFilter, type House } from './support/house.ts';
import { arrived } from './support/maildir.ts';
import { until } from './support/wait.ts';

const ALL = { stages: ['connect', 'ehlo', 'mail', 'rcpt', 'data'], nudge: false };
const MESSAGE = 'Subject: one\r\n\r\nbody\r\n';

/** By name: the bit, and the letter of the event it is about. */
const NO = {
  NOCONNECT: [0x1, 'C'],
  NOHELO: [0x2, 'H'],
  NOMAIL: [0x4, 'M'],
  NORCPT: [0x8, 'R'],
  NOBODY: [0x10, 'B'],
  NOHDRS: [0x20, 'L'],
  NOEOH: [0x40, 'N'],
  NOUNKNOWN: [0x100, 'U'],
  NODATA: [0x200, 'T'],
} as const;
const NR = {
  NR_HDR: [0x80, 'L'],
  NR_CONN: [0x1000, 'C'],
  NR_HELO: [0x2000, 'H'],
  NR_MAIL: [0x4000, 'M'],
  NR_RCPT: [0x8000, 'R'],
  NR_DATA: [0x10000, 'T'],
  NR_UNKN: [0x20000, 'U'],
  NR_EOH: [0x40000, 'N'],
  NR_BODY: [0x80000, 'B'],
} as const;

const uint32 = (n: number): string =>
  String.fromCharCode(n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255);

/** A filter with this choice that adds a field at the end; it is silent at the letters in `mute`. */
async function choosing(cleanup: Cleanup, actions: number, protocol: number, mute = '') {
  const heard: string[] = [];
  const offers: string[] = [];
  const port = await rawFilter(cleanup, (socket) =>
    frames(socket, (code, payload) => {
      heard.push(code === 'D' ? `D${payload[0]}` : code);
      if (code === 'O') {
        offers.push(payload);
        socket.write(frame('O', uint32(6) + uint32(actions) + uint32(protocol)), 'latin1');
      } else if (code === 'E') socket.write(frame('h', 'X-Marked\0yes\0') + frame('c'), 'latin1');
      else if ('CHMRTLNBU'.includes(code) && !mute.includes(code)) socket.write(frame('c'), 'latin1');
    }),
  );
  return { port, heard, offers };
}

/** An unknown command and a message; it arrives, marked by the filter, which has not failed. Then the client leaves. */
async function marked(h: House, heard: readonly string[]): Promise<void> {
  const session = await h.open();
  assert.equal((await session.command('FOO bar')).code, 500);
  assert.equal((await session.transaction('a@out.test', ['b@in.test'], MESSAGE)).reply.code, 250);
  await session.quit();
  assert.deepEqual((await arrived(h.mail, 'the message', () => true)).field('X-Marked'), ['yes']);
  assert.deepEqual(
    h.heard.filter((n) => n.name === 'milter.failed'),
    [],
  );
  await until('QUIT', 2000, () => heard.at(-1) === 'Q');
}

/** What a filter hears of that session. */
const WHOLE = 'O DC C DH H U DM M DR R DT T L DN N B DE E Q';
/** Without one event; its macros stay, but for those of end of headers. */
const without = (letter: string): string =>
  WHOLE.replace(letter === 'N' ? ' DN N' : new RegExp(`(?<!D)${letter} `), '').replaceAll('  ', ' ');

for (const [name, [bit, letter]] of Object.entries(NO))
  test(`${name} chosen: the event is not sent, everything else is`, async (t) => {
    const cleanup = new Cleanup(t);
    const { port, heard } = await choosing(cleanup, 0x1ff, bit);
    await marked(await house(cleanup, [{ port, more: ALL }]), heard);
    assert.equal(heard.join(' '), without(letter));
  });

for (const [name, [bit, letter]] of Object.entries(NR))
  for (const pipeline of [true, false])
    test(`${name} chosen: the event is sent and nobody waits for an answer, pipeline ${pipeline}`, async (t) => {
      const cleanup = new Cleanup(t);
      const { port, heard } = await choosing(cleanup, 0x1ff, bit, letter);
      await marked(await house(cleanup, [{ port, more: { ...ALL, pipeline } }]), heard);
      assert.equal(heard.join(' '), WHOLE);
    });

test('flagsAction is the offer: who wants no more is used, who wants more is not', async (t) => {
  for (const [flagsAction, wanted, works] of [
    [0x01, 0x01, true],
    [0xff, 0x3f, true],
    [0x01, 0x11, false],
    [0xff, 0x1ff, false],
  ] as const) {
    const cleanup = new Cleanup(t);
    const { port, heard, offers } = await choosing(cleanup, wanted, 0);
    const h = await house(cleanup, [{ port, more: { ...ALL, flagsAction } }]);
    if (works) await marked(h, heard);
    else {
      const session = await h.open();
      const mail = await session.command('MAIL FROM:<a@out.test>');
      assert.match(mail.lines[0]!, /^451 4\.7\.1 /);
      await session.quit();
      assert.equal(h.heard.find((n) => n.name === 'milter.failed')?.fields['kind'], 'negotiation');
    }
    assert.ok(offers.every((offer) => offer === uint32(6) + uint32(flagsAction) + uint32(0x1fffff)));
  }
});

test('flagsProtocol is the offer, and a choice beyond it is honoured, for filters act on it', async (t) => {
  const cleanup = new Cleanup(t);
  const beyond = NO.NOBODY[0] | NR.NR_MAIL[0];
  const { port, heard, offers } = await choosing(cleanup, 0x1ff, beyond, 'M');
  await marked(await house(cleanup, [{ port, more: { ...ALL, flagsProtocol: 0x42 } }]), heard);
  assert.deepEqual(offers, [uint32(6) + uint32(0x1ff) + uint32(0x42)]);
  assert.equal(heard.join(' '), without('B'));
});
