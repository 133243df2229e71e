/**
 * Whose fault an error is. The filter's are its own errors of the wire, edits that cannot be made, and its `enable`: for these its
 * `onError` is meant. Anything else, a bug or a spilled body that cannot be read, is ours: no policy lets mail pass on that.
 */
import { EditError } from '#edits';
import { MilterError } from '#milter/client';
import type { NoticeSink } from '#notices';
import type { FilterAccess } from './access.ts';
import { FilterUnavailable } from './breaker.ts';
import type { SessionFacts } from './session.ts';
import type { StageName } from './settings.ts';

/** `enable` could not be evaluated. */
export class EnableError extends Error {
  readonly code = 'expression';

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** Tells of an error that came up while the filter was asked, and keeps count of it when it is the filter's. False: it is ours. */
export function noteFailure(
  notices: NoticeSink,
  { origin, transaction }: SessionFacts,
  access: FilterAccess,
  stage: StageName,
  error: unknown,
): boolean {
  const { name: milter, onError: outcome } = access.settings;
  const where = { milter, session: origin.session, id: transaction?.id, stage };
  if (error instanceof FilterUnavailable) {
    access.meter.notAsked('backoff');
    notices('milter.not-tried', { ...where, kind: error.code, outcome, error: error.message });
  } else if (error instanceof MilterError || error instanceof EditError || error instanceof EnableError) {
    const { code: kind, message } = error;
    if (error instanceof MilterError) access.failed(error);
    access.meter.failed(kind, message);
    const edit = error instanceof EnableError ? undefined : error.edit;
    notices('milter.failed', { ...where, kind, outcome, edit, error: message });
  } else {
    const stack = error instanceof Error ? error.stack : undefined;
    notices('milter.fault', {
      ...where,
      error: error instanceof Error ? error.message : String(error),
      stack,
    });
    return false;
  }
  return true;
}
