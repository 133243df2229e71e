// 50,000 generated bad command streams, held against a model of what may be answered and accepted. MILLRACE_SEED repeats a run.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import { ManualClock } from '#clock';
import { isPositive, status, type Path, type Status } from '#message';
import type { NoticeName } from '#notices';
import { createSmtpServer, type ContentSink, type SmtpHandler } from '#smtp/server';
import { commandStream, segments } from './support/command-streams.ts';
import { Cleanup } from './support/folders.ts';
import { house } from './support/house.ts';
import { Random, seed } from './support/random.ts';
import { startRawHop } from './support/raw-hop.ts';
import { judge, type ModelMessage, type ModelRules, type Policy } from './support/smtp-model.ts';
import { until, within } from './support/wait.ts';
import { WireEnd } from './support/wire-end.ts';

const STREAMS = 50_000;
const AT_ONCE = 64;

const POLICY: Policy = {
  helo: (name) => (name === 'refused.test' ? 550 : 250),
  mail: (address) => (address.startsWith('nobody@') ? 550 : address.startsWith('later@') ? 450 : 250),
  rcpt: (address) => (address.endsWith('@ext.test') ? 554 : address.startsWith('later@') ? 450 : 250),
  data: (sender) => (sender.includes('nodata@') ? 450 : 354),
  content: (text) => (text.includes('SPAM') ? 550 : text.includes('DEFER') ? 450 : 250),
};

const LIMITS = { maxCommandLine: 2048, maxErrors: 20, maxRecipients: 5, maxMessageSize: 5000 };

/** What was accepted, with the paths as the handler got them. */
interface Taken {
  sender: string;
  recipients: string[];
  content: string;
}

/** Decides by the policy; its answers come at once or, when `slow`, a round of the event loop later. */
class Decider implements SmtpHandler {
  readonly taken: Taken[] = [];
  closed = 0;
  readonly #slow: boolean;
  #open: Taken = { sender: '', recipients: [], content: '' };

  constructor(slow: boolean) {
    this.#slow = slow;
  }

  connect(): null {
    return null;
  }
  helo(origin: { helo: string }): Status | null | Promise<Status | null> {
    return this.#give(POLICY.helo(origin.helo) === 250 ? null : answer(550));
  }
  auth(): null {
    return null;
  }
  mail(path: Path): Status | Promise<Status> {
    this.#open = { sender: path.raw, recipients: [], content: '' };
    return this.#give(answer(POLICY.mail(path.address)));
  }
  rcpt(path: Path): Status | Promise<Status> {
    const said = answer(POLICY.rcpt(path.address));
    if (isPositive(said)) this.#open.recipients.push(path.raw);
    return this.#give(said);
  }
  data(): Status | ContentSink | Promise<Status | ContentSink> {
    const open = this.#open;
    if (POLICY.data(open.sender) !== 354) return this.#give(answer(450));
    return this.#give({
      write: (chunk) => void (open.content += Buffer.from(chunk).toString('latin1')),
      end: (fault) => {
        const said = fault?.status ?? answer(POLICY.content(open.content));
        if (isPositive(said)) this.taken.push(open);
        return this.#give(said);
      },
    });
  }
  unknown(): null {
    return null;
  }
  reset(): void {
    this.#open = { sender: '', recipients: [], content: '' };
  }
  close(): void {
    this.closed++;
  }

  #give<T>(value: T): T | Promise<T> {
    return this.#slow ? new Promise((resolve) => setImmediate(resolve, value)) : value;
  }
}

function answer(code: number): Status {
  return status(code, `${Math.floor(code / 100)}.7.1`, code < 300 ? 'fine' : 'not this');
}

/** What the model found and what the handler got must be the same; `raw` paths are only known to begin the arguments. */
function sameMessages(model: readonly ModelMessage[], taken: readonly Taken[], whole: boolean): boolean {
  if (whole ? model.length !== taken.length : model.length > taken.length) return false;
  return model.every(({ sender, recipients, content }, i) => {
    const got = taken[i]!;
    return (
      sender.startsWith(got.sender) &&
      content === got.content &&
      recipients.length === got.recipients.length &&
      recipients.every((recipient, n) => recipient.startsWith(got.recipients[n]!))
    );
  });
}

for (const [bareLineEnds, streams] of [
  ['reject', STREAMS - 10_000],
  ['normalise', 10_000],
] as const)
  test(`R08: ${streams} bad command streams get no reply outside the model and nothing else is accepted (${bareLineEnds})`, async (t) => {
    const from = seed();
    t.diagnostic(`seed ${from} (MILLRACE_SEED=${from} repeats it)`);
    await play(t, from, streams, { ...LIMITS, policy: POLICY, tls: 'off', bareLineEnds });
  });

async function play(t: TestContext, from: number, streams: number, rules: ModelRules): Promise<void> {
  const troubles: NoticeName[] = [];
  const handlers: Decider[] = [];
  let next: Decider | undefined;
  const server = createSmtpServer({
    hostname: 'mx.test',
    listener: 'test',
    dsn: true,
    bareLineEnds: rules.bareLineEnds,
    limits: { ...LIMITS, maxConnectionsPerClient: Infinity, maxConnectionRate: Infinity },
    clock: new ManualClock(), // no time passes: what waits for a time-out would hang, and be seen
    notices: (name) => void (name === 'smtp.internal-error' && troubles.push(name)),
    makeHandler: () => next!,
  });
  const counts = { replies: 0, messages: 0, cut: 0 };
  const session = async (n: number): Promise<void> => {
    const random = new Random(from ^ Math.imul(n + 1, 0x85ebca6b));
    const text = commandStream(random);
    const pieces = segments(random, text);
    const lastPiece = random.between(0, 1) < 0.2 ? random.whole(0, pieces.length) : Infinity;
    const wire = new WireEnd(random.between(0, 1) < 0.2);
    const hasty = random.between(0, 1) < 0.4;
    const handler = (next = new Decider(random.between(0, 1) < 0.3));
    const closed = new Promise((resolve) => wire.once('close', resolve));
    server.accept(wire.socket);
    for (const [i, piece] of pieces.entries()) {
      if (wire.over) break;
      if (i >= lastPiece) wire.vanish();
      else wire.arrive(piece);
      if (!hasty) await new Promise(setImmediate);
    }
    if (lastPiece === Infinity) wire.hangUp();
    else wire.vanish();
    await closed;
    handlers.push(handler);
    const whole = lastPiece === Infinity;
    const { problem, messages } = judge(rules, text, wire.received, whole);
    counts.replies += wire.received.split('\r\n').length - 1;
    counts.messages += messages.length;
    if (!whole) counts.cut++;
    const told = (): string =>
      `stream ${n}, seed ${from}\nsent: ${JSON.stringify(text.slice(0, 4000))}\nreceived: ${JSON.stringify(wire.received)}`;
    assert.equal(problem, '', told());
    if (!sameMessages(messages, handler.taken, whole))
      assert.fail(`accepted ${JSON.stringify(handler.taken)}\nmodel ${JSON.stringify(messages)}\n${told()}`);
  };
  let begun = 0;
  const worker = async (): Promise<void> => {
    while (begun < streams) {
      const n = begun++;
      await within(`stream ${n} of seed ${from} to end`, 20_000, session(n));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  await server.close(1000);
  assert.equal(server.sessions, 0);
  assert.deepEqual(troubles, []);
  assert.ok(
    handlers.every((handler) => handler.closed === 1),
    'each handler closed once',
  );
  assert.ok(counts.messages > streams / 10 && counts.cut > streams / 10, JSON.stringify(counts));
  t.diagnostic(JSON.stringify(counts));
}

/** What the whole gateway decides: the domains of its listener. */
const GATEWAY: Policy = {
  helo: () => 250,
  mail: () => 250,
  rcpt: (address) => (address.toLowerCase().endsWith('@in.test') ? 250 : 554),
  data: () => 354,
  content: () => 250,
};

test('R08: 2,000 bad command streams over real connections to a whole gateway: what is accepted is delivered, no more', async (t) => {
  const cleanup = new Cleanup(t);
  const from = seed();
  t.diagnostic(`seed ${from} (MILLRACE_SEED=${from} repeats it)`);
  const hop = await startRawHop(cleanup);
  const { maxErrors, maxCommandLine, ...own } = LIMITS;
  const limits = { maxErrors, maxCommandLine, maxConnectionRate: 1_000_000 };
  const relay = { networks: [], domains: ['in.test'] };
  const h = await house(cleanup, [], {
    listeners: [{ name: 'smtp', bind: '127.0.0.1:0', relay, limits, ...own, maxConnectionsPerClient: 1000 }],
    delivery: { routes: [{ match: 'true', via: 'smtp', to: [`127.0.0.1:${hop.port}`], tls: 'off' }] },
  });
  const rules: ModelRules = { ...LIMITS, policy: GATEWAY, tls: 'off', bareLineEnds: 'reject' };
  let found = 0;
  const session = async (n: number): Promise<void> => {
    const random = new Random(from ^ Math.imul(n + 1, 0xc2b2ae35));
    const text = commandStream(random);
    const pieces = segments(random, text);
    const whole = random.between(0, 1) < 0.8;
    const last = whole ? pieces.length : random.whole(0, pieces.length);
    const socket = connect({ port: h.port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    let received = '';
    socket.setEncoding('latin1');
    socket.on('data', (said: string) => void (received += said));
    socket.on('error', () => undefined);
    // The gateway has hung up: so do we, after what we were about to say.
    socket.on('end', () => socket.end());
    const closed = new Promise((resolve) => socket.once('close', resolve));
    for (const piece of pieces.slice(0, last)) {
      if (!socket.writable) break;
      socket.write(piece, 'latin1');
      await new Promise(setImmediate);
    }
    if (whole) socket.end();
    else socket.resetAndDestroy();
    await closed;
    const { problem, messages } = judge(rules, text, received, whole);
    found += messages.length;
    assert.equal(
      problem,
      '',
      `stream ${n}, seed ${from}\nsent: ${JSON.stringify(text)}\nreceived: ${received}`,
    );
  };
  let begun = 0;
  const worker = async (): Promise<void> => {
    while (begun < 2000) {
      const n = begun++;
      await within(`stream ${n} of seed ${from} to end`, 20_000, session(n));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  // Those whose reply was lost in a reset count as well.
  const accepted = (): number => h.heard.filter((one) => one.name === 'message.accepted').length;
  await until('all to be delivered', 10_000, () => hop.contents.length >= accepted());
  assert.ok(accepted() >= found && found > 200, `${found} of ${accepted()}`);
  assert.deepEqual(
    h.heard.filter((one) => one.name === 'smtp.internal-error'),
    [],
  );
  for (const { bytes } of hop.connections) assert.doesNotMatch(bytes, /(?<!\r)\n|\r(?!\n)/);
});
