/**
 * What a filter may be allowed to do to a message, in the words of the SDK, and the bits they stand for.
 *
 * Data and two functions over it; never fails.
 */
import { SMFIF } from '#milter/protocol';

/** One right, asked for in `needs` or `wants`. */
export type Action =
  | 'addHeaders'
  | 'changeHeaders'
  | 'replaceBody'
  | 'addRecipient'
  /** Recipients with ESMTP parameters; protocol version 6. */
  | 'addRecipientParams'
  | 'removeRecipient'
  | 'changeFrom'
  | 'quarantine';

const BIT: Readonly<Record<Action, number>> = {
  addHeaders: SMFIF.ADDHDRS,
  changeHeaders: SMFIF.CHGHDRS,
  replaceBody: SMFIF.CHGBODY,
  addRecipient: SMFIF.ADDRCPT,
  addRecipientParams: SMFIF.ADDRCPT_PAR,
  removeRecipient: SMFIF.DELRCPT,
  changeFrom: SMFIF.CHGFROM,
  quarantine: SMFIF.QUARANTINE,
};

/** The word is a right. */
export function isAction(word: string): word is Action {
  return Object.hasOwn(BIT, word);
}

/** The rights as an SMFIF mask. */
export function actionBits(actions: readonly Action[]): number {
  let mask = 0;
  for (const action of actions) mask |= BIT[action];
  return mask;
}

/** The mask grants the right. */
export function grants(mask: number, action: Action): boolean {
  return (mask & BIT[action]) !== 0;
}
