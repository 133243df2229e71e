/** What became of a change of settings, as an answer of the HTTP API. */
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { Change, Outcome } from '#gateway';
import type { ConfigDiagnostic } from '#gateway/config';
import { whoOf } from './access/who.ts';
import { json, PROBLEM } from './answers.ts';
import { findingSchema } from './contract.ts';
import { problem } from './problem.ts';

/** A change that was made; with `dryRun` what it would be, and the errors that keep it from being made. */
export const changedSchema = z
  .object({
    revision: z.string(),
    diff: z.string(),
    warnings: z.array(findingSchema),
    errors: z.array(findingSchema).optional(),
  })
  .openapi('Changed');

/** `?dryRun=true`. */
export const changeQuery = z.strictObject({
  dryRun: z
    .enum(['true', 'false'])
    .default('false')
    .transform((word) => word === 'true'),
});

const revisionHeader = z.string().max(200).optional();
/** The revision a change begins from. */
export const changeHeaders = z.object({
  'if-match': revisionHeader.openapi({
    description: 'The revision it begins from; another one by now is 412',
  }),
});

/** Answers of every change. */
export const CHANGE_RESPONSES = {
  200: json(changedSchema, 'It is done, or would be'),
  400: PROBLEM,
  404: PROBLEM,
  409: PROBLEM,
  412: PROBLEM,
  422: PROBLEM,
  428: PROBLEM,
} as const;

/** A revision in a header, with or without its quotes; `*` and none: whatever there is. */
export function ifMatchOf(c: Context): string | null {
  const written = c.req.header('if-match')?.trim();
  if (written === undefined || written === '*' || written === '') return null;
  return written.replace(/^W\//, '').replace(/^"(.*)"$/, '$1');
}

/** Who changes what, as the settings want to know it. */
export function changeBy(c: Context, summary: string): Change {
  return { ifMatch: ifMatchOf(c), by: whoOf(c), summary };
}

/** A finding without the name of the file, which every page knows. */
export function findingOf({ file: _file, ...finding }: ConfigDiagnostic) {
  return finding;
}

/** The answer. `dryRun`: errors are an answer too. */
export function answer(c: Context, outcome: Outcome, dryRun = false) {
  switch (outcome.kind) {
    case 'done': {
      const { revision, diff, warnings } = outcome;
      if (!dryRun) c.header('etag', `"${revision}"`);
      const body = { revision, diff, warnings: warnings.map(findingOf) };
      return c.json(dryRun ? { ...body, errors: [] } : body, 200);
    }
    case 'stale':
      return problem(c, 412, 'the configuration has changed since: read it again', {
        revision: outcome.revision,
      });
    case 'invalid':
      return invalid(c, outcome, dryRun);
    case 'impossible':
      return problem(c, outcome.absent ? 404 : 409, outcome.reason);
    case 'read-only':
      return problem(c, 409, outcome.reason, { text: outcome.text });
    case 'refused':
      return problem(c, 409, `the gateway did not take it over, everything is as it was: ${outcome.reason}`);
  }
}

function invalid(c: Context, outcome: Outcome & { readonly kind: 'invalid' }, dryRun: boolean) {
  const errors = outcome.errors.map(findingOf);
  const warnings = outcome.warnings.map(findingOf);
  if (dryRun) return c.json({ revision: outcome.revision, diff: outcome.diff, warnings, errors }, 200);
  const [first] = errors;
  const detail = first ? `${first.message} — ${first.remedy}` : 'the configuration is not valid';
  return problem(c, 422, detail, { path: first?.path ?? '', errors, warnings });
}
