/** The errors that a filter's answer is when it must not come: out of turn, or none of those that an event may have. Pure. */
import { codeName, SMFIR, type Edit, type EventName, type Frame } from '#milter/protocol';
import { MilterError } from './errors.ts';

/** Edits by the codes they come with. */
export const EDITS: ReadonlyMap<number, Edit['kind']> = new Map<number, Edit['kind']>([
  [SMFIR.ADDHEADER, 'addHeader'],
  [SMFIR.INSHEADER, 'insertHeader'],
  [SMFIR.CHGHEADER, 'changeHeader'],
  [SMFIR.REPLBODY, 'replaceBody'],
  [SMFIR.ADDRCPT, 'addRecipient'],
  [SMFIR.ADDRCPT_PAR, 'addRecipient'],
  [SMFIR.DELRCPT, 'deleteRecipient'],
  [SMFIR.CHGFROM, 'changeSender'],
  [SMFIR.QUARANTINE, 'quarantine'],
]);

/** It was not the filter's turn. */
export function unasked(frame: Frame): MilterError {
  const name = codeName(frame.code, SMFIR);
  return new MilterError('unexpected_reply', `the filter sent ${name} when no answer was due`);
}

/** The event cannot be answered so. */
export function illegal(frame: Frame, event: EventName, edit?: Edit['kind']): MilterError {
  const name = codeName(frame.code, SMFIR);
  return new MilterError('unexpected_reply', `the filter answered ${event} with ${name}`, { event, edit });
}
