/** What a filter may do to a message, read off the agreement: by this the chain knows who can influence whom. Pure. */
import { hasLeadingSpace } from './law.ts';
import type { Agreement } from './negotiation.ts';
import { SMFIF } from './numbers.ts';

/** The rights that matter to the filters behind it, and to whoever applies its edits. */
export interface FilterRights {
  /** It may change header or body. */
  readonly changesContent: boolean;
  readonly replacesBody: boolean;
  /** Values in its edits bring their own white space after the colon. */
  readonly leadingSpace: boolean;
}

/** The rights of an agreement. */
export function rightsOf(agreement: Agreement): FilterRights {
  const { actions } = agreement;
  return {
    changesContent: (actions & (SMFIF.ADDHDRS | SMFIF.CHGHDRS | SMFIF.CHGBODY)) !== 0,
    replacesBody: (actions & SMFIF.CHGBODY) !== 0,
    leadingSpace: hasLeadingSpace(agreement),
  };
}
