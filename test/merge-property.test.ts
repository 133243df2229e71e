/**
 * The merge, through real conversations: independent filters that are asked at the same time give the bytes and the envelope that
 * they give when they are asked one after another.
 *
 * The same filters stand behind two gateways. At the one all of them have `input: original`, and none answers before the last one
 * was asked: a gateway that waits for an answer before it asks the next filter gets none. At the other all are chained, and each
 * one must have been shown what those before it added. What independent means is told in support/independent-edits.ts.
 */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import test from 'node:test';
import fc from 'fast-check';
import { cases, FILTERS, type Case } from './support/independent-edits.ts';
import { Cleanup } from './support/folders.ts';
import { house, type House } from './support/house.ts';
import { readMaildir } from './support/maildir.ts';
import { withoutTrace } from './support/outbox.ts';
import { seed } from './support/random.ts';
import { ScriptedFilter, type Peer } from './support/scripted-filter.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { until } from './support/wait.ts';

const RUNS = 150;
/** A busy machine is no fault of a filter. */
const PATIENT = { timeoutConnect: '8s', timeoutCommand: '8s', timeoutData: '8s' };

/** What became of a message: what lies in the mailboxes, or in the quarantine. */
interface Outcome {
  readonly reply: string;
  readonly notice: readonly unknown[];
  readonly mail: readonly string[];
}

/** Lets a gateway with these filters take the message, and waits until it is where it belongs. */
async function through(h: House, { content, recipients }: Case): Promise<Outcome> {
  const before = h.heard.length;
  const session = await SmtpSession.greeted(h.port);
  const { at, reply } = await session.transaction('a@out.test', recipients, content);
  assert.equal(`${at} ${reply.code}`, 'end 250', reply.text);
  await session.quit();
  const told = h.heard.slice(before).find((n) => /^message\.(accepted|discarded)$/.test(n.name))!;
  const { id, from, to, by, held, recipients: count } = told.fields;
  const notice = [told.name, from, to, by, held];
  const text = reply.text.replace(String(id), 'ID');
  if (told.name === 'message.discarded') return { reply: text, notice, mail: [] };
  const mail = held === undefined ? await delivered(h, Number(count)) : await quarantined(h, String(id));
  return { reply: text, notice, mail };
}

/** The mailboxes' new files, which are taken away: envelope on top, then the message. */
async function delivered(h: House, count: number): Promise<readonly string[]> {
  const mail = await until(
    'the mail to be delivered',
    5000,
    async () => {
      const there = await readMaildir(h.mail);
      return there.length === count && there;
    },
    2,
  );
  for (const { path } of mail) await rm(path);
  return mail.map(({ text }) => comparable(text)).toSorted();
}

/** What the queue holds of a message: the envelope with its parameters, and the message. */
async function quarantined(h: House, id: string): Promise<readonly string[]> {
  const { store } = h.gateway.office!.desk;
  const meta = (await store.get(id))!;
  const { header, body } = (await store.content(id))!;
  const pieces = [header, Buffer.from('\r\n')];
  if (body.chunks) pieces.push(...body.chunks);
  else for await (const chunk of body.read()) pieces.push(chunk);
  const { sender, senderParams, recipients, hold } = meta;
  const to = recipients.map((r) => [r.address, r.params, r.state]);
  const envelope = JSON.stringify([meta.state, sender, senderParams, to, hold?.reason, hold?.by]);
  return [envelope, comparable(Buffer.concat(pieces).toString('latin1'))];
}

const comparable = (text: string): string => withoutTrace(text.replaceAll(/\r?\n/g, '\r\n'));

/** All wait until each of them was asked, then they answer in this order. */
function meeting(filters: readonly ScriptedFilter[], { parts, order }: Case): { met: boolean } {
  const asked = new Map<number, Peer>();
  const state = { met: false };
  for (const [place, filter] of filters.entries()) {
    const E = (peer: Peer): null => {
      asked.set(place, peer);
      if (asked.size < FILTERS) return null;
      state.met = true;
      for (const next of order) asked.get(next)!.write(parts[next]!.answer);
      return null;
    };
    filter.play({ O: parts[place]!.offer, E });
  }
  return state;
}

/** They answer as they are asked. */
function atOnce(filters: readonly ScriptedFilter[], { parts }: Case): void {
  for (const [place, filter] of filters.entries())
    filter.play({ O: parts[place]!.offer, E: parts[place]!.answer });
}

/** How many fields of each filter's own each filter was shown of the last message: `[place][of whom]`. */
const shown = (filters: readonly ScriptedFilter[], { parts }: Case): readonly (readonly number[])[] =>
  filters.map(({ peers }) => {
    const names = peers
      .at(-1)!
      .heard.filter((h) => h.code === 'L')
      .map((h) => h.payload.split('\0', 1)[0]);
    return parts.map(({ mark }) => names.filter((name) => name === mark).length);
  });

test(`${RUNS} times independent filters asked together make of a message what they make of it one after another`, async (t) => {
  const from = seed();
  t.diagnostic(`seed ${from} (MILLRACE_SEED=${from} repeats it)`);
  const cleanup = new Cleanup(t);
  const filters: ScriptedFilter[] = [];
  for (let i = 0; i < FILTERS; i++) filters.push(await ScriptedFilter.start(cleanup, {}));
  const guests = (more: object) =>
    filters.map(({ port }, i) => ({ port, more: { name: `f${i}`, stages: ['data'], ...PATIENT, ...more } }));
  const together = await house(cleanup, guests({ input: 'original' }));
  const inTurn = await house(cleanup, guests({}));
  const seen = { delivered: 0, held: 0, discarded: 0, edits: 0, shown: 0 };
  await fc.assert(
    fc.asyncProperty(cases, async (one) => {
      const state = meeting(filters, one);
      const merged = await through(together, one);
      assert.ok(state.met, 'all were asked before anybody answered');
      for (const others of shown(filters, one))
        assert.deepEqual(
          others,
          others.map(() => 0),
        );
      atOnce(filters, one);
      const chained = await through(inTurn, one);
      for (const [place, others] of shown(filters, one).entries()) {
        const expected = one.parts.map(({ marks }, of) => (of < place ? marks : 0));
        assert.deepEqual(others, expected, `what ${place} sees of the work of others`);
        for (const n of others) seen.shown += n;
      }
      assert.deepEqual(merged, chained);
      const [kind, , , , held] = merged.notice;
      seen[held !== undefined ? 'held' : kind === 'message.discarded' ? 'discarded' : 'delivered']++;
      for (const { edits } of one.parts) seen.edits += edits.length;
    }),
    { seed: from | 0, numRuns: RUNS, interruptAfterTimeLimit: 120_000 },
  );
  t.diagnostic(
    Object.entries(seen)
      .map(([what, n]) => `${what} ${n}`)
      .join(', '),
  );
  const told = JSON.stringify(seen);
  assert.ok(seen.delivered > 0 && seen.held > 0 && seen.edits > RUNS && seen.shown > RUNS / 3, told);
  for (const h of [together, inTurn])
    assert.deepEqual(
      h.heard.filter((n) => n.name === 'milter.failed' || n.name === 'gateway.fault'),
      [],
    );
});
