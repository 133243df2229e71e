/**
 * Conditions on queue entries as an operator writes them: `rcpt_domain=example.org`, `age>2h`, `state=held`. Pure.
 *
 * All conditions of a list must hold. Text compares in any case, `*` stands for any run of characters; addresses that were
 * delivered or given up count as little as if they were not there. What cannot be understood is answered with a sentence.
 */
import { parseDuration } from '#clock';
import { parseSize } from '#gateway/config';
import { asciiLower, domainOf, utf8Of } from '#message';
import { ENTRY_ID, type EntryMeta, type EntryState } from '#spool';

/** Conditions ready to be asked. */
export interface Where {
  /** Only entries in this state can match; lets a store look there alone. */
  readonly state: EntryState | null;
  /** Only the entry with this id can match; lets a store look it up. */
  readonly id: string | null;
  /** `now` in milliseconds since 1970. */
  holds(entry: EntryMeta, now: number): boolean;
}

/** A condition that is none. */
export interface BadWhere {
  readonly trouble: string;
}

/** Conditions, and characters of one. */
export const MAX_WHERE = 20;
export const MAX_WHERE_TEXT = 500;

type Test = (entry: EntryMeta, now: number) => boolean;

const STATES: readonly EntryState[] = ['queued', 'leased', 'held'];
/** States by the names that people know from elsewhere. */
const TESTS_OF_STATE: Readonly<Record<string, readonly [EntryState, Test]>> = {
  active: ['leased', () => true],
  deferred: ['queued', (entry) => entry.attempts > 0],
  incoming: ['queued', (entry) => entry.attempts === 0],
};
const TEXTS: Readonly<Record<string, (entry: EntryMeta) => readonly string[]>> = {
  id: (entry) => [entry.id],
  sender: (entry) => [utf8Of(entry.sender)],
  sender_domain: (entry) => [domainOf(utf8Of(entry.sender))],
  rcpt: (entry) => pending(entry),
  rcpt_domain: (entry) => pending(entry).map(domainOf),
  client: (entry) => [entry.origin.clientAddress],
  user: (entry) => [utf8Of(entry.origin.user)],
  listener: (entry) => [entry.origin.listener],
  held_by: (entry) => (entry.hold ? [utf8Of(entry.hold.by)] : []),
  reason: (entry) => (entry.hold ? [utf8Of(entry.hold.reason)] : []),
};
const CONDITION = /^([a-z_]+)\s*(!=|>=|<=|=|>|<)\s*([^]*)$/;

/** Everything there is to ask for. */
export const WHERE_KEYS = ['state', ...Object.keys(TEXTS), 'age', 'size', 'attempts'] as const;

/** Reads conditions; with none of them every entry matches. */
export function parseWhere(conditions: readonly string[]): Where | BadWhere {
  if (conditions.length > MAX_WHERE) return { trouble: `there are more than ${MAX_WHERE} conditions` };
  let state: EntryState | null = null;
  let id: string | null = null;
  const tests: Test[] = [];
  for (const text of conditions) {
    const found = text.length > MAX_WHERE_TEXT ? null : CONDITION.exec(text);
    if (!found) return { trouble: `${shown(text)} is not a condition such as rcpt_domain=example.org` };
    const [, key = '', sign = '', value = ''] = found;
    if (key === 'id' && sign === '=' && ENTRY_ID.test(value)) id ??= asciiLower(value);
    const test = key === 'state' ? stateTest(sign, value) : testOf(key, sign, value);
    if (typeof test === 'string') return { trouble: `${shown(text)}: ${test}` };
    if (typeof test === 'function') tests.push(test);
    else {
      if (state !== null && state !== test.state) tests.push(() => false);
      state = test.state;
      tests.push(test.test);
    }
  }
  return { state, id, holds: (entry, now) => tests.every((test) => test(entry, now)) };
}

function stateTest(sign: string, value: string): string | { state: EntryState; test: Test } {
  if (sign !== '=') return 'a state is asked for with =';
  const state = STATES.find((s) => s === value);
  if (state) return { state, test: (entry) => entry.state === state };
  const named = Object.hasOwn(TESTS_OF_STATE, value) ? TESTS_OF_STATE[value] : undefined;
  if (!named) return `the states are ${[...STATES, ...Object.keys(TESTS_OF_STATE)].join(', ')}`;
  const [of, test] = named;
  return { state: of, test: (entry, now) => entry.state === of && test(entry, now) };
}

function testOf(key: string, sign: string, value: string): string | Test {
  if (Object.hasOwn(TEXTS, key)) return textTest(TEXTS[key]!, sign, value);
  switch (key) {
    case 'age':
      return numberTest((entry, now) => now - entry.receivedAt, sign, value, parseDuration, 'duration (2h)');
    case 'size':
      return numberTest((entry) => entry.size, sign, value, parseSize, 'size (5MB)');
    case 'attempts':
      return numberTest((entry) => entry.attempts, sign, value, whole, 'number');
    default:
      return `the keys are ${WHERE_KEYS.join(', ')}`;
  }
}

function textTest(
  texts: (entry: EntryMeta) => readonly string[],
  sign: string,
  value: string,
): string | Test {
  if (sign !== '=' && sign !== '!=') return 'a text is asked for with = or !=';
  const wanted = asciiLower(value).split('*');
  const any: Test = (entry) => texts(entry).some((text) => fits(asciiLower(text), wanted));
  return sign === '=' ? any : (entry, now) => !any(entry, now);
}

function numberTest(
  of: (entry: EntryMeta, now: number) => number,
  sign: string,
  value: string,
  parse: (text: string) => number | null,
  what: string,
): string | Test {
  const limit = parse(value);
  if (limit === null) return `what is compared must be a ${what}`;
  switch (sign) {
    case '>':
      return (entry, now) => of(entry, now) > limit;
    case '>=':
      return (entry, now) => of(entry, now) >= limit;
    case '<':
      return (entry, now) => of(entry, now) < limit;
    case '<=':
      return (entry, now) => of(entry, now) <= limit;
    default:
      return 'it is compared with > or <';
  }
}

/** Whether a text is made of these pieces in order, with anything between them. Linear: each piece is looked for once. */
function fits(text: string, pieces: readonly string[]): boolean {
  const [first = '', ...rest] = pieces;
  if (rest.length === 0) return text === first;
  const last = rest.pop()!;
  if (!text.startsWith(first) || text.length < first.length + last.length) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}

const pending = (entry: EntryMeta): string[] =>
  entry.recipients.filter((r) => r.state === 'pending').map((r) => utf8Of(r.address));

const whole = (text: string): number | null => (/^\d{1,9}$/.test(text) ? Number(text) : null);

const shown = (text: string): string => JSON.stringify(text.slice(0, 80));
