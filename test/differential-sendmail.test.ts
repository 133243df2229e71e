/**
 * Sendmail and Millrace before the same filter, as test/differential.test.ts has it with Postfix: what is not equal must be known
 * (test/differential/sendmail.ts) and explained in docs/quirks.md.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { EDIT_SCENARIOS } from './differential/edits.ts';
import { draftOf, type Draft } from './differential/habits.ts';
import type { Scenario } from './differential/scenario.ts';
import { SENDMAIL_APART, SENDMAIL_HABITS } from './differential/sendmail.ts';
import { ORDINARY } from './differential/sessions.ts';
import { linesOf, transcriptOf, type Transcript } from './differential/transcript.ts';
import { VERDICT_SCENARIOS } from './differential/verdicts.ts';
import {
  makeCertificate,
  startMillraceWorld,
  startSendmailWorld,
  type World,
} from './differential/worlds.ts';
import { readText, tablesIn } from './support/documents.ts';
import { Cleanup } from './support/folders.ts';
import { needsRoot, skipWithout } from './support/processes.ts';
import { skipWithoutSendmail } from './support/sendmail.ts';

/** TLS was looked at with Postfix. */
const SCENARIOS: readonly Scenario[] = [...ORDINARY, ...VERDICT_SCENARIOS, ...EDIT_SCENARIOS].filter(
  ({ steps }) => !steps.some((step) => typeof step === 'object' && 'tls' in step),
);
/** The section of docs/quirks.md that lists the known differences. */
const SECTION = 'Compared with Sendmail, measured';

const skip =
  skipWithoutSendmail() || skipWithout('m4', 'unshare', 'openssl') || needsRoot('a start of Sendmail');

const cleanup = new Cleanup();
type Played = ReadonlyMap<string, Transcript>;
let sendmail: Played;
let millrace: Played;

before(
  async () => {
    if (skip) return;
    const certificate = await makeCertificate(cleanup);
    const worlds = [await startSendmailWorld(cleanup), await startMillraceWorld(cleanup, certificate, false)];
    const [a, b] = await Promise.all(worlds.map(playAll));
    [sendmail, millrace] = [a!, b!];
  },
  { timeout: 120_000 },
);
after(() => cleanup.run());

async function playAll(world: World): Promise<Played> {
  const played = new Map<string, Transcript>();
  for (const scenario of SCENARIOS) played.set(scenario.name, transcriptOf(await world.run(scenario)));
  return played;
}

test('what differs from Sendmail is known, seen, and explained in docs/quirks.md', { skip }, () => {
  const seen = new Set<string>();
  const unknown: string[] = [];
  for (const scenario of SCENARIOS) {
    const { name } = scenario;
    const [p, m]: [Draft, Draft] = [draftOf(sendmail.get(name)!), draftOf(millrace.get(name)!)];
    for (const habit of SENDMAIL_HABITS) {
      const earlier = JSON.stringify([p, m]);
      habit.settle(p, m, scenario);
      if (JSON.stringify([p, m]) !== earlier) seen.add(habit.key);
    }
    const apart = SENDMAIL_APART.find(({ scenarios }) => scenarios.test(name));
    const equal = JSON.stringify(p) === JSON.stringify(m);
    if (apart && !equal) seen.add(apart.key);
    if (apart && equal) unknown.push(`${name}: ${apart.key} is not seen any more`);
    if (apart || equal) continue;
    const [a, b] = [linesOf(p), linesOf(m)];
    const only = [
      ...a.filter((line) => !b.includes(line)).map((line) => `  - ${line}`),
      ...b.filter((line) => !a.includes(line)).map((line) => `  + ${line}`),
    ];
    unknown.push([`${name} (- Sendmail, + Millrace)`, ...only].join('\n'));
  }
  assert.equal(unknown.join('\n\n'), '');
  const keys = [...SENDMAIL_HABITS, ...SENDMAIL_APART].map(({ key }) => key);
  assert.deepEqual(
    keys.filter((key) => !seen.has(key)),
    [],
  );
  const table = tablesIn(readText('docs/quirks.md')).find(({ heading }) => heading === SECTION);
  const explained = table?.rows.map((row) => /^`([\w-]+)`/.exec(row[0]!)?.[1]);
  assert.deepEqual(explained?.toSorted(), [...new Set(keys)].toSorted());
});
