/** Pass-through: every time and count of docs/limits.md, with a clock that is moved by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock, type Clock } from '#clock';
import { bodyOf, bytesOf, pathOf, type Origin, type Recipient, type Status } from '#message';
import { startHop, type HopScript, type ScriptedHop } from '../src/smtp/client/scripted-hop.cases.ts';
import { Lane, THROUGH_LIMITS, type Line } from '../src/gateway/through-lane.ts';
import { ThroughTransaction } from '../src/gateway/through-transaction.ts';

const recipient = (address: string): Recipient => ({ path: pathOf(address), params: [] });
const from = {
  origin: { protocol: 'smtp', session: 's' } as Origin,
  sender: pathOf('a@out.test'),
  senderParams: [],
};
const message = (recipients: readonly Recipient[]) => ({
  envelope: { ...from, recipients },
  header: bytesOf('Subject: x\r\n'),
  body: bodyOf([]),
  size: 14,
});

interface Rig {
  readonly hop: ScriptedHop;
  readonly clock: ManualClock;
  readonly idle: Set<Line>;
  readonly begin: () => ThroughTransaction;
}

/** One lane to a scripted hop with a clock that is moved by hand. */
async function rig(script: HopScript, run: (rig: Rig) => Promise<void>): Promise<void> {
  const hop = await startHop(script);
  const clock = new ManualClock();
  const idle = new Set<Line>();
  const notices = (): void => undefined;
  const hops = {
    hops: [{ name: '127.0.0.1', port: hop.port, path: '' }],
    balance: 'order',
    tls: 'off',
  } as const;
  const around = { idle, clock: clock as Clock, closed: () => false };
  const lane = new Lane(hops, { hostname: 'us.test', clock, notices }, 1000, around);
  const laneOf = (): Lane => lane;
  try {
    await run({
      hop,
      clock,
      idle,
      begin: () => new ThroughTransaction(from, { laneOf, only: lane, clock, notices, underway: new Set() }),
    });
  } finally {
    for (const { connection } of idle) connection.abort();
    await hop.close();
  }
}

/** Resolves when it holds; asks after every turn of the event loop, a good many times. */
async function when(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 100_000 && !holds(); i++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(holds());
}

const TO = recipient('b@in.test');

for (const [at, ms] of [
  ['MAIL', THROUGH_LIMITS.command],
  ['RCPT', THROUGH_LIMITS.command],
  ['DATA', THROUGH_LIMITS.content],
  ['dot', THROUGH_LIMITS.content],
] as const)
  test(`a hop that is silent at ${at} is given up when its time is over, and not a millisecond earlier`, async () => {
    let heard = false;
    const silent = (): string => {
      heard = true;
      return '';
    };
    // The hop's own bounds (300 s, 120 s for the 354) are longer, but for DATA.
    const bound = at === 'DATA' ? Math.min(ms, 120_000) : ms;
    const script: HopScript =
      at === 'dot'
        ? { content: silent }
        : { command: (line) => (line.startsWith(at) ? silent() : undefined) };
    await rig(script, async ({ begin, clock, hop }) => {
      const transaction = begin();
      const work = async (): Promise<Status> => {
        if (at === 'MAIL') return (await transaction.mail())!;
        const reply = await transaction.rcpt(TO);
        return at === 'RCPT' ? reply : (await transaction.send(message([TO])))[0]!;
      };
      let answer: Status | null = null;
      void work().then((status) => (answer = status));
      await when(() => heard);
      clock.advance(bound - 1);
      assert.equal(answer, null);
      clock.advance(1);
      await when(() => answer !== null);
      assert.deepEqual([answer!.code, answer!.enhanced], [451, '4.4.2']);
      assert.equal(hop.delivered.length, 0);
      transaction.end();
    });
  });

test('a connection serves so many transactions and no more, and one that nobody uses is closed', async () => {
  await rig({}, async ({ begin, clock, hop, idle }) => {
    const once = async (): Promise<void> => {
      const transaction = begin();
      assert.equal((await transaction.rcpt(TO)).code, 250);
      assert.equal((await transaction.send(message([TO])))[0]!.code, 250);
      const before = idle.size;
      transaction.end();
      await when(() => idle.size > before || hop.sessions.at(-1)!.lines.at(-1) === 'QUIT');
    };
    for (let i = 0; i < THROUGH_LIMITS.maxMessages; i++) await once();
    assert.equal(hop.sessions.length, 1);
    assert.equal(idle.size, 0);
    await once();
    assert.equal(hop.sessions.length, 2);
    clock.advance(THROUGH_LIMITS.idle - 1);
    assert.equal(idle.size, 1);
    clock.advance(1);
    assert.equal(idle.size, 0);
    await when(() => hop.sessions[1]!.lines.at(-1) === 'QUIT');
  });
});

test('a client that is gone stops what the hop cannot have taken, and leaves alone what it can', async () => {
  let heard = '';
  const script: HopScript = {
    command: (line) => {
      if (line.startsWith('DATA') && heard === '') {
        heard = 'DATA';
        return '';
      }
      return undefined;
    },
    content: () => {
      heard = 'dot';
      return '';
    },
  };
  await rig(script, async ({ begin }) => {
    const first = begin();
    await first.rcpt(TO);
    const given = first.send(message([TO]));
    await when(() => heard === 'DATA');
    first.interrupt();
    assert.equal((await given)[0]!.enhanced, '4.4.2');
    first.end();
    const second = begin();
    await second.rcpt(TO);
    let answered = false;
    void second.send(message([TO])).then(() => (answered = true));
    await when(() => heard === 'dot');
    second.interrupt();
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(answered, false);
    second.end();
  });
});
