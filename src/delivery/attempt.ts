/**
 * One try at one destination: waits for a place, opens the bytes, hands them to the agent, reads what became of whom.
 *
 * A result for every recipient, whatever the agent does: one that forgets a recipient or throws makes a temporary Status and
 * a notice. null means not tried: the destination had no room, or the attempt was broken off by us. Never rejects.
 */
import { isPermanent, isPositive, status } from '#message';
import type { Status } from '#message';
import type { NoticeSink } from '#notices';
import type { EntryContent, EntryMeta } from '#spool';
import type { Outcome } from './agent.ts';
import type { Lanes } from './lanes.ts';
import { loops } from './loop.ts';
import type { Result } from './outcome.ts';
import type { Group } from './route.ts';

/** An entry under way. */
export interface Underway {
  readonly entry: EntryMeta;
  /** Opens the bytes; null when they are gone. May be called more than once. */
  readonly content: () => Promise<EntryContent | null>;
  readonly signal: AbortSignal;
}

/** Results in the order of `group.recipients`. */
export async function attemptGroup(
  underway: Underway,
  group: Group,
  lanes: Lanes,
  notices: NoticeSink,
): Promise<readonly Result[]> {
  const { entry, signal } = underway;
  const entered = lanes.enter(group.destination);
  if (entered === false || (entered !== true && !(await entered))) {
    notices('delivery.busy', { id: entry.id, destination: group.destination });
    return group.recipients.map(() => null);
  }
  try {
    const results = await tryAgent(underway, group, notices);
    // Broken off by us: only what is final was really said by somebody.
    return signal.aborted ? results.map((s) => (isPositive(s) || isPermanent(s) ? s : null)) : results;
  } finally {
    lanes.leave(group.destination);
  }
}

async function tryAgent(underway: Underway, group: Group, notices: NoticeSink): Promise<readonly Status[]> {
  const { entry, signal } = underway;
  const recipients = group.recipients.map((i) => entry.recipients[i]!);
  const all = (s: Status): readonly Status[] => recipients.map(() => s);
  const opened = await open(underway, notices);
  if (opened === null) return all(status(451, '4.3.0', 'the message cannot be read at present'));
  if (loops(opened.header)) return all(status(554, '5.4.6', 'the message is going round in a loop'));
  let outcomes: readonly Outcome[];
  try {
    const content = (): Promise<EntryContent> => Promise.resolve(opened);
    outcomes = await group.agent.deliver({ entry, recipients, content, signal });
  } catch (cause) {
    notices('delivery.agent-error', { id: entry.id, destination: group.destination, error: String(cause) });
    return all(status(451, '4.3.0', 'delivery failed here'));
  }
  return recipients.map(({ address }, n) => {
    const outcome =
      outcomes[n]?.address === address ? outcomes[n] : outcomes.find((o) => o.address === address);
    return outcome?.status ?? status(451, '4.3.0', 'delivery gave no result');
  });
}

async function open(underway: Underway, notices: NoticeSink): Promise<EntryContent | null> {
  try {
    const content = await underway.content();
    if (content === null) notices('delivery.content-missing', { id: underway.entry.id });
    return content;
  } catch (cause) {
    notices('delivery.content-missing', { id: underway.entry.id, error: String(cause) });
    return null;
  }
}
