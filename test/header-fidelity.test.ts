/**
 * Header fidelity as a property: whatever a filter edits around them, the bytes of header fields it did not touch are the same
 * at the next hop (folding, tabs, missing space after the colon, space before it, 8-bit), and in the same order; what it did
 * touch stands where the rules of the protocol say. And what a filter behind it saw is what was queued.
 *
 * The expected header comes from a model in this file that shares no code with the product (milter reference 12.1 and 12.2,
 * Postfix's counting).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Cleanup } from './support/folders.ts';
import { frame } from './support/house.ts';
import { sameBytes, withoutTrace } from './support/outbox.ts';
import { at, canary, failures, scene, send } from './support/scene.ts';
import { CONTINUE, ScriptedFilter, addHeader } from './support/scripted-filter.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { until } from './support/wait.ts';

const RUNS = Number(process.env['MILLRACE_FIDELITY_RUNS'] ?? 200);
/** OPTNEG with HDR_LEADSPC. */
const EXACT = frame('O', '\0\0\0\x06\0\0\x01\xff\0\x10\0\0');

/** A header field as the client sends it, without its final CRLF. */
interface Field {
  readonly name: string;
  /** White space before the colon. */
  readonly gap: string;
  /** Everything behind the colon, folds as CRLF. */
  readonly value: string;
}

/** One change that the filter asks for. Numbers count from 1. */
type Change =
  | { readonly kind: 'add'; readonly name: string; readonly value: string }
  | { readonly kind: 'insert'; readonly index: number; readonly name: string; readonly value: string }
  | { readonly kind: 'change'; readonly index: number; readonly name: string; readonly value: string };

const NAMES = ['Subject', 'SUBJECT', 'X-A', 'x-a', 'X-B', 'Received', 'DKIM-Signature', "X!#$%&'*+-.^_`|~"];
const name = fc.constantFrom(...NAMES);
/** Bytes that may stand in a line: no NUL, no CR, no LF. */
const byte = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'Z', '0', ':', ';', '"', '=', '.', '%') },
  { weight: 3, arbitrary: fc.constantFrom(' ', '\t') },
  { weight: 2, arbitrary: fc.integer({ min: 0x80, max: 0xff }).map((n) => String.fromCharCode(n)) },
  { weight: 1, arbitrary: fc.constantFrom('\x01', '\x1b', '\x7f', '\x0b') },
);
const text = fc.array(byte, { maxLength: 30 }).map((all) => all.join(''));
const fold = fc
  .tuple(fc.constantFrom(' ', '\t', '  ', ' \t'), text)
  .map(([lead, rest]) => `\r\n${lead}${rest}`);
const field: fc.Arbitrary<Field> = fc.record({
  name,
  gap: fc.oneof({ weight: 8, arbitrary: fc.constant('') }, fc.constantFrom(' ', '\t', ' \t')),
  value: fc.tuple(text, fc.array(fold, { maxLength: 4 })).map(([first, rest]) => first + rest.join('')),
});
/** What a filter may send as a value: folds as LF. Not empty, for that deletes. */
const said = fc
  .tuple(
    fc.string({ minLength: 1, maxLength: 12, unit: fc.constantFrom('a', 'b', ':', ' ', 'é') }),
    fc.boolean(),
  )
  .map(([line, folded]) => (folded ? `v${line}\n\tmore` : `v${line}`));
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), name, value: said }),
  fc.record({ kind: fc.constant('insert' as const), index: fc.nat(12), name, value: said }),
  fc.record({
    kind: fc.constant('change' as const),
    index: fc.integer({ min: 0, max: 4 }),
    name,
    value: fc.oneof(said, fc.constant('')),
  }),
);

const raw = ({ name: n, gap, value }: Field): string => `${n}${gap}:${value}\r\n`;

/** A line of the model: the field's name for counting, its bytes, and whether it is the gateway's own trace field. */
interface Line {
  readonly key: string;
  readonly bytes: string;
  readonly own: boolean;
}

/** The header after the changes; the own trace field is `R`, as withoutTrace writes it. */
function edited(fields: readonly Field[], changes: readonly Change[], leadingSpace: boolean): string {
  const lines: Line[] = [{ key: 'received', bytes: 'R\r\n', own: true }];
  for (const f of fields) lines.push({ key: f.name.toLowerCase(), bytes: raw(f), own: false });
  for (const c of changes) {
    const made: Line = {
      key: c.name.toLowerCase(),
      bytes: `${c.name}:${leadingSpace ? '' : ' '}${c.value.replaceAll('\n', '\r\n')}\r\n`,
      own: false,
    };
    if (c.kind === 'add') lines.push(made);
    else if (c.kind === 'insert') lines.splice(c.index, 0, made);
    else {
      const same = lines.filter((l) => !l.own && l.key === made.key);
      const target = same[Math.max(1, c.index) - 1];
      if (target && c.value === '') lines.splice(lines.indexOf(target), 1);
      else if (target) lines[lines.indexOf(target)] = made;
      else if (c.value !== '') lines.push(made);
    }
  }
  return lines.map((l) => l.bytes).join('');
}

const uint32 = (n: number): string => `\0\0${String.fromCharCode(n >>> 8, n & 255)}`;

function asFrame(c: Change): string {
  if (c.kind === 'add') return addHeader(c.name, c.value);
  return frame(c.kind === 'insert' ? 'i' : 'm', `${uint32(c.index)}${c.name}\0${c.value}\0`);
}

/** The header as a filter heard it in the last message, with HDR_LEADSPC. */
function heard(filter: ScriptedFilter): string {
  const all = filter.peers.at(-1)!.heard;
  return all
    .slice(all.map((h) => h.code).lastIndexOf('M'))
    .filter((h) => h.code === 'L')
    .map(({ payload }) => {
      const [n = '', value = ''] = payload.split('\0');
      return `${n}:${value.replaceAll('\n', '\r\n')}\r\n`;
    })
    .join('');
}

/** White space between a field's name and its colon, which the milter protocol cannot carry (reference 10). */
const withoutGaps = (header: string): string => header.replaceAll(/^([!-9;-~]+)[ \t]+:/gm, '$1:');

for (const leadingSpace of [false, true])
  test(`untouched header fields keep their bytes through a filter that edits around them, ${leadingSpace ? 'with' : 'without'} HDR_LEADSPC`, async (t) => {
    const cleanup = new Cleanup(t);
    const options = leadingSpace ? { O: EXACT } : {};
    const editor = await ScriptedFilter.start(cleanup, options);
    const behind = await ScriptedFilter.start(cleanup, { O: EXACT });
    const s = await scene(cleanup, [at(editor, { name: 'editor' }), at(behind, { name: 'behind' })]);
    const session = await SmtpSession.greeted(s.port);
    cleanup.after(() => session.drop());
    let number = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(field, { maxLength: 10 }),
        fc.array(change, { maxLength: 6 }),
        async (fields, changes) => {
          editor.play({ ...options, E: changes.map(asFrame).join('') + CONTINUE });
          const sender = `n${++number}@out.test`;
          const content = `${fields.map(raw).join('')}\r\nbody\r\n`;
          const last = (await send(session, { sender, content })).at(-1)!;
          assert.equal(`${last.at} ${last.reply.code}`, 'end 250', last.reply.text);
          const came = await until(sender, 5000, () => s.taken.findLast((m) => m.sender === sender), 1);
          const expected = edited(fields, changes, leadingSpace);
          sameBytes(withoutTrace(came.content), `${expected}\r\nbody\r\n`);
          sameBytes(heard(behind), withoutGaps(expected.replace(/^R\r\n/m, '')));
        },
      ),
      { numRuns: RUNS },
    );
    assert.deepEqual(failures(s), []);
    await session.quit();
    editor.mend();
    await canary(cleanup, s, true);
  });

test('a NUL in a header field is refused, never passed on or changed', async (t) => {
  const cleanup = new Cleanup(t);
  const filter = await ScriptedFilter.start(cleanup, {});
  filter.mend();
  const s = await scene(cleanup, [at(filter)]);
  const session = await SmtpSession.greeted(s.port);
  cleanup.after(() => session.drop());
  for (const header of ['Subject: a\0b', 'Sub\0ject: a', 'Subject: a\r\n \0b', '\0'])
    assert.match(
      (await send(session, { content: `${header}\r\n\r\nbody\r\n` })).at(-1)!.reply.lines[0]!,
      /^550 5\.6\.0 /,
    );
  await session.quit();
  await canary(cleanup, s, true);
  assert.equal(s.taken.length, 1);
});
