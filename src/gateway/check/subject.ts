/**
 * What is to be checked: a target as people write it, a milter object as in the configuration, or a configured filter.
 *
 * One way for all: settings are loaded by the loader of the configuration, so that the same values are refused in the same words
 * and everything left out has the same default. Never throws.
 */
import { loadConfig, type MilterConfig } from '#gateway/config';

/** The settings that say where a filter is, or null when the text is no address: then it is a name. */
export function settingsOfTarget(target: string): Readonly<Record<string, unknown>> | null {
  const socket = /^(?:unix|local):(.+)$/.exec(target)?.[1] ?? (target.startsWith('/') ? target : undefined);
  if (socket !== undefined) return { socket };
  const inet = /^inet6?:(\d{1,5})@(.{1,253})$/.exec(target);
  if (inet) return { hostname: unbracketed(inet[2]!), port: Number(inet[1]) };
  const plain = /^(\[[^\]]{1,64}\]|[^:\s[\]]{1,253}):(\d{1,5})$/.exec(target);
  return plain ? { hostname: unbracketed(plain[1]!), port: Number(plain[2]) } : null;
}

const unbracketed = (host: string): string => /^\[(.*)\]$/.exec(host)?.[1] ?? host;

/** Keys that say when a filter is asked, and not where it is: of no interest here. */
const NOT_LOOKED_AT: ReadonlySet<string> = new Set(['enable', 'stages']);

/** The milter as the gateway would use it, or what is wrong with the settings, in words. */
export function milterOf(
  settings: Readonly<Record<string, unknown>>,
  base: string,
): { readonly milter: MilterConfig } | { readonly trouble: string } {
  const kept = Object.entries(settings).filter(([key]) => !NOT_LOOKED_AT.has(key));
  // A value from elsewhere ({ file: … }, { env: … }) would show what stands there in what is said about it.
  const elsewhere = kept.find(([, value]) => typeof value === 'object' && value !== null);
  if (elsewhere) return { trouble: `${elsewhere[0].slice(0, 64)}: write the value itself` };
  const text = JSON.stringify({ milters: [Object.fromEntries(kept)] });
  const loaded = loadConfig({ text, name: 'settings', base }, { env: {} });
  if (loaded.ok) return { milter: loaded.config.milters[0]! };
  const [first] = loaded.errors;
  const { path, message, remedy } = first!;
  return { trouble: `${path.replace(/^milters\[0\]\.?/, '') || 'settings'}: ${message} — ${remedy}` };
}
