/**
 * The checker: judges the ledger's evidence. Pure; knows nothing of gateways, so it can be tested by falsified evidence.
 *
 * lost       acked, and neither delivered nor queued
 * forbidden  refused, but delivered (RFC 5321, 4.2.5)
 * corrupt    delivered with other bytes than sent
 * phantom    delivered, but never sent to that recipient
 * unexplained  a further copy without a kill between it and the one before (more copies than kills can explain)
 */
import type { Delivered, Evidence, Kill } from './ledger.ts';

/** What was found, each as `id recipient` lines; `extra` are further copies that a kill explains. */
export interface Findings {
  readonly lost: readonly string[];
  readonly forbidden: readonly string[];
  readonly corrupt: readonly string[];
  readonly phantom: readonly string[];
  readonly unexplained: readonly string[];
  readonly extra: readonly string[];
  readonly acked: number;
  readonly refused: number;
  readonly unknown: number;
  readonly copies: number;
}

/**
 * Judges the evidence. `reachMs`: a kill explains a second copy only when the first was taken no longer than that before it;
 * for power cuts, which may undo results that a kill of the process leaves alone.
 */
export function check(evidence: Evidence, reachMs = Infinity): Findings {
  const copies = byRecipient(evidence.delivered);
  const queued = new Set(evidence.queued.map((q) => q.recipient));
  const lost: string[] = [];
  const forbidden: string[] = [];
  const corrupt: string[] = [];
  const phantom: string[] = [];
  const { unexplained, extra } = furtherCopies(copies, evidence.kills, reachMs);
  const count = { acked: 0, refused: 0, unknown: 0 };
  const known = new Set<string>();
  for (const { id, hash, recipients } of evidence.sent) {
    for (const [recipient, verdict] of recipients) {
      const name = `${id} ${recipient}`;
      known.add(name);
      count[verdict] += 1;
      const got = copies.get(name) ?? [];
      if (verdict === 'acked' && got.length === 0 && !queued.has(recipient)) lost.push(name);
      if (verdict === 'refused' && got.length > 0) forbidden.push(name);
      if (got.some((copy) => copy.hash !== hash)) corrupt.push(name);
    }
  }
  for (const name of copies.keys()) if (!known.has(name)) phantom.push(name);
  return {
    lost,
    forbidden,
    corrupt,
    phantom,
    unexplained,
    extra,
    ...count,
    copies: evidence.delivered.length,
  };
}

/** One line of counts for the test's output. */
export function summary(f: Findings): string {
  return (
    `acked ${f.acked}, refused ${f.refused}, unknown ${f.unknown}, copies ${f.copies}: lost ${f.lost.length}, ` +
    `forbidden ${f.forbidden.length}, corrupt ${f.corrupt.length}, phantom ${f.phantom.length}, ` +
    `unexplained ${f.unexplained.length}, extra copies explained by kills ${f.extra.length}`
  );
}

/** The kinds of finding that must be empty, those that are not, with their first names; '' when all is well. */
export function faults(f: Findings): string {
  const kinds = ['lost', 'forbidden', 'corrupt', 'phantom', 'unexplained'] as const;
  return kinds
    .filter((kind) => f[kind].length > 0)
    .map((kind) => `${kind}: ${f[kind].slice(0, 5).join('; ')}`)
    .join('\n');
}

function byRecipient(delivered: readonly Delivered[]): Map<string, Delivered[]> {
  const copies = new Map<string, Delivered[]>();
  for (const copy of delivered) {
    const name = `${copy.id} ${copy.recipient}`;
    const before = copies.get(name);
    if (before) before.push(copy);
    else copies.set(name, [copy]);
  }
  return copies;
}

/** Between two copies in a row there must have been a kill that ended after the first was taken and began before the second. */
function furtherCopies(
  copies: ReadonlyMap<string, readonly Delivered[]>,
  kills: readonly Kill[],
  reachMs: number,
): { readonly unexplained: string[]; readonly extra: string[] } {
  const unexplained: string[] = [];
  const extra: string[] = [];
  for (const [name, list] of copies) {
    const inOrder = list.toSorted((a, b) => a.at - b.at);
    for (const [i, second] of inOrder.entries()) {
      const first = inOrder[i - 1];
      if (!first) continue;
      const explained = kills.some(
        (kill) => kill.to >= first.at && kill.from <= second.at && kill.from - first.at <= reachMs,
      );
      (explained ? extra : unexplained).push(name);
    }
  }
  return { unexplained, extra };
}
