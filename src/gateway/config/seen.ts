/**
 * What can be seen of a configuration with faults: every value that is right by itself, and which ones were refused.
 *
 * So that one check says everything: the later steps look at what is there, and say nothing that would only follow from what
 * was refused. Pure; never throws on any document.
 */
import { z } from 'zod';
import type { BindAddress, Network } from './address.ts';
import type { DocPath } from './diagnostics.ts';
import type { RateConfig } from './leaves-route.ts';
import { nearest } from './nearest.ts';
import type { RecipientsSettings } from './schema-recipients.ts';
import { settingsSchema, type Settings } from './schema.ts';
import type { StageName } from './config.ts';

/** Values that are there as a whole or not at all. */
type Whole = BindAddress | Network | RateConfig | RecipientsSettings | readonly StageName[];

/** A part of the Settings in which anything may be lacking, entries of lists included; positions are kept. */
export type Seen<T> = T extends Whole
  ? T
  : T extends readonly (infer E)[]
    ? readonly (Seen<E> | undefined)[]
    : T extends object
      ? { readonly [K in keyof T]?: Seen<T[K]> }
      : T;

/** A document as far as it could be read. */
export interface Sight {
  readonly settings: Seen<Settings>;
  /** Whether something stands (or is missing) at that place about which an error was said already. */
  readonly refused: (path: DocPath) => boolean;
  readonly issues: readonly z.core.$ZodIssue[];
}

/** Reads a document by the schema. */
export function sightOf(value: unknown): Sight {
  const parsed = settingsSchema.safeParse(value, { reportInput: true });
  if (parsed.success) return { settings: parsed.data, refused: () => false, issues: [] };
  const refused = new Set(parsed.error.issues.flatMap(mistyped));
  const issues = parsed.error.issues.filter((i) => !(isMissing(i) && refused.has(keyOf(i.path))));
  for (const { code, path } of issues) if (code !== 'unrecognized_keys') refused.add(keyOf(path));
  // zod gives out the faulty value only here: what a leaf refused stands in it as NEVER.
  const left = settingsSchema._zod.run({ value, issues: [] }, { async: false });
  const settings = left instanceof Promise || left.value === z.NEVER ? {} : left.value;
  withoutRefused(settings, [], refused);
  return {
    settings: settings as Seen<Settings>,
    refused: (path) => refused.has(keyOf(path)),
    issues,
  };
}

/** Whether an issue is about a key that is not there. */
export function isMissing({ code, input }: z.core.$ZodIssue): boolean {
  return code !== 'unrecognized_keys' && input === undefined;
}

/** The keys that were meant where an unknown one stands: one mistake, not two. */
function mistyped(issue: z.core.$ZodIssue): string[] {
  if (issue.code !== 'unrecognized_keys') return [];
  const known = JSON.parse(issue.message) as string[];
  return issue.keys
    .map((key) => nearest(key, known))
    .filter((meant) => meant !== null)
    .map((meant) => keyOf([...issue.path, meant]));
}

/** Takes out what was refused, and notes its place. */
function withoutRefused(value: unknown, path: DocPath, refused: Set<string>): void {
  if (typeof value !== 'object' || value === null) return;
  const parts = value as Record<string, unknown>;
  for (const [key, part] of Object.entries(parts)) {
    const here = [...path, Array.isArray(value) ? Number(key) : key];
    if (part === z.NEVER) {
      parts[key] = undefined;
      refused.add(keyOf(here));
    } else withoutRefused(part, here, refused);
  }
}

function keyOf(path: readonly PropertyKey[]): string {
  return JSON.stringify(path);
}
