/**
 * From the handlers a filter has to what it asks of the MTA: which events, which of them answered, which rights.
 *
 * An event nobody needs is negotiated away; one that only brings facts for a later handler, or has an observer, is asked for
 * without an answer. Bits are taken only where the MTA offers them; where it does not, the SDK answers CONTINUE itself.
 */
import {
  LAW,
  SMFIF,
  SMFIP,
  VERSION,
  agree,
  macroName,
  type Agreement,
  type Choice,
  type MacroStage,
  type Offer,
} from '#milter/protocol';
import { actionBits, grants } from './actions.ts';
import type { Filter, MilterDefinition } from './definition.ts';
import { FilterError } from './errors.ts';

/** Why an event is wanted. `facts`: only for what it carries. */
export type Role = 'decide' | 'observe' | 'facts' | 'none';

/** The events that can be left out, and why each is wanted. */
export type Plan = Readonly<Record<Planned, Role>>;

export type Planned = 'connect' | 'helo' | 'mail' | 'rcpt' | 'data' | 'header' | 'eoh' | 'body' | 'unknown';

/** Handlers whose result can count, and that can look on. */
type Handler =
  'onConnect' | 'onHelo' | 'onMail' | 'onRcpt' | 'onData' | 'onHeaders' | 'onMessage' | 'onUnknown';

/** Per event: its own handler, and the later ones that see what it carries. */
const USES: Readonly<Record<Planned, { readonly own?: Handler; readonly feeds: readonly Handler[] }>> = {
  connect: {
    own: 'onConnect',
    feeds: ['onHelo', 'onMail', 'onRcpt', 'onData', 'onHeaders', 'onMessage', 'onUnknown'],
  },
  helo: { own: 'onHelo', feeds: ['onMail', 'onRcpt', 'onData', 'onHeaders', 'onMessage', 'onUnknown'] },
  mail: { own: 'onMail', feeds: ['onRcpt', 'onData', 'onHeaders', 'onMessage'] },
  rcpt: { own: 'onRcpt', feeds: ['onData', 'onHeaders', 'onMessage'] },
  data: { own: 'onData', feeds: [] },
  header: { feeds: ['onHeaders', 'onMessage'] },
  eoh: { own: 'onHeaders', feeds: [] },
  body: { feeds: ['onMessage'] },
  unknown: { own: 'onUnknown', feeds: [] },
};

/** Why each event is wanted by this filter. */
export function planOf(definition: MilterDefinition<unknown>): Plan {
  const observe: Partial<Record<Handler, unknown>> = definition.observe ?? {};
  const has = (h: Handler): boolean => definition[h] !== undefined || observe[h] !== undefined;
  const plan = {} as Record<Planned, Role>;
  for (const [event, { own, feeds }] of Object.entries(USES) as [Planned, (typeof USES)[Planned]][]) {
    if (own !== undefined && definition[own] !== undefined) plan[event] = 'decide';
    else if (own !== undefined && observe[own] !== undefined) plan[event] = 'observe';
    else plan[event] = feeds.some(has) ? 'facts' : 'none';
  }
  if (definition.body === 'none') plan.body = 'none';
  // Only an answer that can be held back keeps a fast MTA from running ahead of a slow reader.
  else if (definition.body === 'stream' && plan.body === 'facts') plan.body = 'decide';
  return plan;
}

/** What the SDK answers to an offer. */
export interface Contract {
  readonly choice: Choice;
  readonly agreement: Agreement;
}

/** Chooses from an offer. Throws FilterError `needs` with a sentence for both logs when it is too little. */
export function negotiate(filter: Filter, plan: Plan, offer: Offer): Contract {
  const { definition } = filter;
  const version = Math.min(VERSION.MAX, offer.version);
  if (version < VERSION.MIN)
    throw new FilterError(
      'needs',
      `the MTA offers protocol version ${offer.version}; ${VERSION.MIN} is the least`,
    );
  const missing = (definition.needs ?? []).filter((action) => !grants(offer.actions, action));
  if (missing.length > 0)
    throw new FilterError(
      'needs',
      `the MTA does not offer ${missing.join(', ')} (its actions are 0x${offer.actions.toString(16)}): ` +
        `grant them there, or move them from needs to wants in filter ${filter.name}`,
    );
  const symbols = definition.macros !== undefined && (offer.actions & SMFIF.SETSYMLIST) !== 0;
  const wanted = actionBits([...(definition.needs ?? []), ...(definition.wants ?? [])]);
  let protocol = 0;
  for (const [event, role] of Object.entries(plan) as [Planned, Role][]) {
    if (role === 'none') protocol |= LAW[event].skip;
    else if (role !== 'decide') protocol |= LAW[event].noReply;
  }
  if (definition.skip === true && definition.body === 'stream') protocol |= SMFIP.SKIP;
  if (definition.leadingSpace === true) protocol |= SMFIP.HDR_LEADSPC;
  const choice: Choice = {
    version,
    actions: (wanted & offer.actions) | (symbols ? SMFIF.SETSYMLIST : 0),
    protocol: protocol & offer.protocol,
    macros: symbols ? macroLists(definition) : new Map(),
  };
  return { choice, agreement: agree(offer, choice) };
}

function macroLists(definition: MilterDefinition<unknown>): Choice['macros'] {
  const lists = new Map<MacroStage, readonly string[]>();
  for (const [stage, names] of Object.entries(definition.macros ?? {}))
    lists.set(stage as MacroStage, names.map(macroName));
  return lists;
}
