/** Orders as they come in a request, made into those of the desk; with a sentence for what is missing. */
import { mailboxOf, type Act, type Verb } from '#gateway';
import { byteStringOf } from '#message';
import type { Order } from './contract.ts';

/** The order, or why it is none. */
export function actOf(verb: Verb, order: Order): Act | { readonly trouble: string } {
  const { reason = '', recipients, filters = 'auto', skip = [], to } = order;
  const named = recipients?.map(byteStringOf) ?? null;
  const foreign = foreignTo(verb, order);
  if (foreign) return { trouble: `${foreign} has no meaning with ${verb}` };
  switch (verb) {
    case 'retry':
      return { verb };
    case 'hold':
      return { verb, reason: byteStringOf(reason || 'held by the operator') };
    case 'delete':
      return { verb, reason: byteStringOf(reason) };
    case 'bounce':
      return { verb, recipients: named, reason: byteStringOf(reason.replace(/\s+/g, ' ')) };
    case 'release':
      if (filters === 'none' && skip.length > 0)
        return { trouble: 'filters that are not asked cannot be skipped' };
      return { verb, recipients: named, filters: skip.length > 0 ? 'again' : filters, skip };
    case 'redirect': {
      const address = mailboxOf(to ?? '');
      return address === null
        ? { trouble: 'redirect needs an address' }
        : { verb, to: address, recipients: named };
    }
  }
}

const MEANT: Readonly<Record<Verb, readonly (keyof Order)[]>> = {
  retry: [],
  hold: ['reason'],
  delete: ['reason'],
  bounce: ['reason', 'recipients'],
  release: ['recipients', 'filters', 'skip'],
  redirect: ['to', 'recipients'],
};

function foreignTo(verb: Verb, order: Order): string | undefined {
  return (Object.keys(order) as (keyof Order)[]).find(
    (key) => order[key] !== undefined && !MEANT[verb].includes(key),
  );
}
