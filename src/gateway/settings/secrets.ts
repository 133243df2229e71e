/**
 * Every secret of a configuration, wherever it came from: those that stand in its text, and those that were opened from elsewhere.
 * Found by what is hidden when the settings are told, so that a new one is not forgotten. Pure.
 */
import { effectiveSettings, type Config } from '#gateway/config';

/** Characters of a secret that is looked for in a text: a shorter one stands everywhere by chance. */
const SHORTEST = 4;

/** Whether a secret is looked for. */
export const isLong = (secret: string): boolean => secret.length >= SHORTEST;

/** Secrets as they are used, those that are long enough to be looked for. */
export function secretsOf(config: Config): readonly string[] {
  const found: string[] = [];
  differing(effectiveSettings(config, true), effectiveSettings(config, false), found);
  return found.flatMap(partsOf).filter(isLong);
}

function differing(open: unknown, hidden: unknown, found: string[]): void {
  if (typeof open === 'object' && open !== null)
    for (const [key, value] of Object.entries(open))
      differing(value, (hidden as Readonly<Record<string, unknown>> | undefined)?.[key], found);
  else if (open !== hidden) found.push(String(open));
}

/** Two hashes of one user stand side by side. */
const partsOf = (secret: string): readonly string[] =>
  secret.startsWith('$') ? [secret, ...secret.split(' ')] : [secret];
