/**
 * What you filter is what you send: M26 of the reliability tests.
 *
 * A filter that writes down what it hears and changes nothing; a next hop that keeps what it takes. Put together again from
 * what the filter heard, every message is the one that was delivered (without the gateway's own trace field), or it was
 * refused. What was delivered is also what the client sent, but for the blank line that a header without one gets.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cleanup } from './support/folders.ts';
import { frame } from './support/house.ts';
import { oddMessages, type OddMessage } from './support/odd-messages.ts';
import { sameBytes } from './support/outbox.ts';
import { Random, seed } from './support/random.ts';
import { at, canary, failures, inStep, scene, send, untraced, walk, type Scene } from './support/scene.ts';
import { ScriptedFilter, type Peer } from './support/scripted-filter.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { until } from './support/wait.ts';

const COUNT = 300;
/** OPTNEG with HDR_LEADSPC: values come with the white space behind the colon. */
const EXACT = frame('O', '\0\0\0\x06\0\0\x01\xff\0\x10\0\0');

/** The message as the filter heard it, from the last MAIL on. */
function reassembled({ heard }: Peer): string {
  const from = heard.map((h) => h.code).lastIndexOf('M');
  let header = '';
  let body = '';
  for (const { code, payload } of heard.slice(from)) {
    if (code === 'B') body += payload;
    if (code !== 'L') continue;
    const [name = '', value = ''] = payload.split('\0');
    header += `${name}:${value.replaceAll('\n', '\r\n')}\r\n`;
  }
  return `${header}\r\n${body}`;
}

const stuffed = (content: string): string => content.replaceAll(/^\./gm, '..');

/** Sends each message; returns what became of it: the content delivered, or null when it was refused. */
async function throughTheGateway(
  cleanup: Cleanup,
  s: Scene,
  messages: readonly OddMessage[],
  judge: (message: OddMessage, delivered: string | null) => void,
): Promise<void> {
  const session = await SmtpSession.greeted(s.port);
  cleanup.after(() => session.drop());
  for (const [i, message] of messages.entries()) {
    const sender = `odd${i}@out.test`;
    const last = (await send(session, { sender, content: stuffed(message.content) })).at(-1)!;
    assert.equal(last.at, 'end', message.name);
    if (last.reply.code === 250) {
      const came = await until(message.name, 5000, () => s.taken.find((m) => m.sender === sender), 2);
      judge(message, untraced(came.content));
    } else {
      assert.match(last.reply.lines[0]!, /^550 5\.6\.0 /, message.name);
      judge(message, null);
    }
  }
  await inStep(session);
  await session.quit();
}

/** The content as it was sent; where its header ended without a blank line and `got` has one, with that line put in. */
function withBlankLine(content: string, got: string): string {
  if (got.length !== content.length + 2) return content;
  let at = 0;
  while (at < content.length && got[at] === content[at]) at += 1;
  return `${content.slice(0, at)}\r\n${content.slice(at)}`;
}

/** Contents that no listener takes, and those that only one with `bareLineEnds: normalise` takes. */
const NEVER = /^NUL /;
const NORMALISED = /^lone /;

for (const policy of [true, false])
  for (const bareLineEnds of ['reject', 'normalise'] as const)
    test(`M26 ${COUNT} odd messages: what the filter saw is what was sent on, bareLineEnds=${bareLineEnds}, tempFailOnError=${policy}`, async (t) => {
      const from = seed();
      t.diagnostic(`seed ${from} (MILLRACE_SEED=${from} repeats it)`);
      const cleanup = new Cleanup(t);
      const filter = await ScriptedFilter.start(cleanup, { O: EXACT });
      const s = await scene(cleanup, [at(filter, { tempFailOnError: policy })], {
        listener: { bareLineEnds },
      });
      let delivered = 0;
      await throughTheGateway(cleanup, s, oddMessages(new Random(from), COUNT), (message, got) => {
        const { name, kind, content } = message;
        const taken = !NEVER.test(kind) && (bareLineEnds === 'normalise' || !NORMALISED.test(kind));
        assert.equal(got !== null, taken, name);
        if (got === null) return;
        delivered += 1;
        try {
          sameBytes(got, reassembled(filter.peers[0]!));
          if (!NORMALISED.test(kind)) sameBytes(got, withBlankLine(content, got));
          assert.doesNotMatch(got, /(?<!\r)\n|\r(?!\n)/, 'no lone CR or LF leaves');
        } catch (error) {
          throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`, {
            cause: error,
          });
        }
      });
      t.diagnostic(`${delivered} delivered, ${COUNT - delivered} refused`);
      assert.ok(delivered > 0.8 * COUNT);
      assert.deepEqual(failures(s), []);
      filter.mend();
      await canary(cleanup, s, policy);
    });

/** The protocol has no way to cut a field into frames (milter reference 2.1). */
for (const policy of [true, false])
  test(`M26 a header field larger than a frame: the message is refused, tempFailOnError=${policy}`, async (t) => {
    const cleanup = new Cleanup(t);
    const filter = await ScriptedFilter.start(cleanup, { O: EXACT });
    const s = await scene(cleanup, [at(filter, { tempFailOnError: policy })]);
    const content = `Subject: large\r\nX-Large: ${'l'.repeat(70_000)}\r\n\r\nbody\r\n`;
    const { session, last } = await walk(cleanup, s.port, { content });
    assert.match(`${last.at} ${last.reply.code} ${last.reply.text}`, /^end 552 5\.3\.4 /);
    await inStep(session);
    await session.quit();
    assert.deepEqual(s.taken, []);
    assert.deepEqual(failures(s), []);
  });
