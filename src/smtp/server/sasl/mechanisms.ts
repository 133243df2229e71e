/** The mechanisms by name. */
import { login } from './login.ts';
import type { Mechanism, MechanismName } from './mechanism.ts';
import { plain } from './plain.ts';
import { scram } from './scram.ts';

const MAKERS: ReadonlyMap<string, () => Mechanism> = new Map<MechanismName, () => Mechanism>([
  ['SCRAM-SHA-256', scram],
  ['PLAIN', plain],
  ['LOGIN', login],
]);

/** A new exchange of the mechanism with that name, in any case of letters; null when it is none of `offered`. */
export function mechanismOf(name: string, offered: readonly MechanismName[]): Mechanism | null {
  const word = name.toUpperCase();
  return offered.some((o) => o === word) ? (MAKERS.get(word)?.() ?? null) : null;
}
