/**
 * Empty macro sets that carry an acknowledgement and change nothing, against the 40 ms stall of delayed ones.
 *
 * Each is of the event that left last: of an earlier one it would be the beginning of a new message to some filters. Nor may it take
 * away the macros of an event that had some: so after the end of headers it is that of a body. Envelope events have none, for they
 * are answered in one piece.
 */
import { SMFIC, type EventName } from '#milter/protocol';

const emptyMacros = (code: number): Uint8Array => Uint8Array.of(0, 0, 0, 2, SMFIC.MACRO, code);

/** The frame by the event that left last. */
export const NUDGES: { readonly [K in EventName]?: Uint8Array } = {
  header: emptyMacros(SMFIC.HEADER),
  eoh: emptyMacros(SMFIC.BODY),
  body: emptyMacros(SMFIC.BODY),
  end: emptyMacros(SMFIC.BODYEOB),
};
