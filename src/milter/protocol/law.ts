/**
 * The law of the protocol as a table: one row per event. Client and SDK read it; nobody tests a flag by hand elsewhere.
 *
 * Sources: milter reference 3 (codes), 5.2 and 5.4 (versions and bits), 4.1 (what may answer what), 6 (macros), 7.2 (what a
 * verdict means). Where Sendmail and Postfix differ the wider rule holds: PROGRESS and SHUTDOWN at every event, SKIP wherever
 * it was negotiated; but DISCARD of a connection has no meaning and is illegal, and edits stand only at `end`.
 */
import { SMFIC, SMFIF, SMFIP, SMFIR } from './numbers.ts';
import type { Edit, EventName, Verdict } from './values.ts';

/** The events that have a macro list of their own (SMFIM numbers are in macros.ts). */
export type MacroStage = 'connect' | 'helo' | 'mail' | 'rcpt' | 'data' | 'eoh' | 'end';

export type VerdictKind = Verdict['kind'];

/** What a verdict means: which thing it decides, and how. */
export interface Meaning {
  /** `command`: this one SMTP command and nothing beyond it. */
  readonly about: 'command' | 'recipient' | 'transaction' | 'connection';
  /** `accept`: this filter is done with it and is told nothing more of it. `close`: 421 to the client. */
  readonly does: 'continue' | 'accept' | 'refuse' | 'discard' | 'close';
  /** The filter still holds a message open afterwards: an ABORT is due when the transaction dies (reference 7.1, 7.3). */
  readonly open: boolean;
}

/** One row. */
export interface EventLaw {
  readonly name: EventName;
  /** SMFIC code. */
  readonly code: number;
  /** Bit that suppresses the event, 0 when none can. */
  readonly skip: number;
  /** Bit that suppresses its answer, 0 when none can. */
  readonly noReply: number;
  /** False for those that are never answered. */
  readonly answered: boolean;
  /** The macro list that travels before it. */
  readonly macros: MacroStage | null;
  /** Its macros are sent although the event itself is suppressed (reference 6.1). */
  readonly macrosAlways: boolean;
  /** First version that knows it. */
  readonly since: number;
  /** Edits may come before its verdict. */
  readonly edits: boolean;
  /** Legal verdicts and their meaning; a kind that is absent is a protocol error. */
  readonly verdicts: { readonly [K in VerdictKind]?: Meaning };
}

const means = (about: Meaning['about'], does: Meaning['does'], open = false): Meaning =>
  Object.freeze({ about, does, open });

const CLOSE = means('connection', 'close');

/** `open`: the message is open after CONTINUE. */
function refusals(about: Meaning['about'], open: boolean): EventLaw['verdicts'] {
  const refuse = means(about, 'refuse', open && about === 'recipient');
  return { reject: refuse, tempfail: refuse, replycode: refuse, shutdown: CLOSE, connfail: CLOSE };
}

const OF_CONNECTION: EventLaw['verdicts'] = {
  continue: means('command', 'continue'),
  skip: means('command', 'continue'),
  accept: means('connection', 'accept'),
  ...refusals('connection', false),
};

function ofMessage(about: 'recipient' | 'transaction'): EventLaw['verdicts'] {
  return {
    continue: means('command', 'continue', true),
    skip: means('command', 'continue', true),
    accept: means('transaction', 'accept'),
    // After DISCARD at RCPT the filter is still in the message (reference 7.2, notes).
    discard: means('transaction', 'discard', about === 'recipient'),
    ...refusals(about, true),
  };
}

const OF_TRANSACTION = ofMessage('transaction');

const OF_END: EventLaw['verdicts'] = {
  continue: means('transaction', 'accept'),
  skip: means('transaction', 'accept'),
  accept: means('transaction', 'accept'),
  discard: means('transaction', 'discard'),
  ...refusals('transaction', false),
};

const OF_UNKNOWN: EventLaw['verdicts'] = {
  continue: means('command', 'continue'),
  skip: means('command', 'continue'),
  // A filter library takes it as the end of the message in which the command came; without one it means nothing.
  accept: means('transaction', 'accept'),
  discard: means('command', 'continue'),
  ...refusals('command', false),
};

type Row = Omit<EventLaw, 'name' | 'answered' | 'macrosAlways' | 'edits' | 'verdicts'>;

const asked = (name: EventName, row: Row, verdicts: EventLaw['verdicts']): EventLaw =>
  Object.freeze({
    name,
    ...row,
    answered: true,
    // Sendmail sends nothing at all for a suppressed EOH.
    macrosAlways: row.macros !== null && name !== 'eoh',
    edits: name === 'end',
    verdicts,
  });

const told = (name: EventName, code: number, since: number): EventLaw =>
  Object.freeze({
    name,
    code,
    since,
    skip: 0,
    noReply: 0,
    answered: false,
    macros: null,
    macrosAlways: false,
    edits: false,
    verdicts: {},
  });

/** The table. */
export const LAW: Readonly<Record<EventName, EventLaw>> = Object.freeze({
  connect: asked(
    'connect',
    { code: SMFIC.CONNECT, skip: SMFIP.NOCONNECT, noReply: SMFIP.NR_CONN, macros: 'connect', since: 1 },
    OF_CONNECTION,
  ),
  helo: asked(
    'helo',
    { code: SMFIC.HELO, skip: SMFIP.NOHELO, noReply: SMFIP.NR_HELO, macros: 'helo', since: 1 },
    OF_CONNECTION,
  ),
  mail: asked(
    'mail',
    { code: SMFIC.MAIL, skip: SMFIP.NOMAIL, noReply: SMFIP.NR_MAIL, macros: 'mail', since: 1 },
    OF_TRANSACTION,
  ),
  rcpt: asked(
    'rcpt',
    { code: SMFIC.RCPT, skip: SMFIP.NORCPT, noReply: SMFIP.NR_RCPT, macros: 'rcpt', since: 1 },
    ofMessage('recipient'),
  ),
  data: asked(
    'data',
    { code: SMFIC.DATA, skip: SMFIP.NODATA, noReply: SMFIP.NR_DATA, macros: 'data', since: 4 },
    OF_TRANSACTION,
  ),
  header: asked(
    'header',
    { code: SMFIC.HEADER, skip: SMFIP.NOHDRS, noReply: SMFIP.NR_HDR, macros: null, since: 1 },
    OF_TRANSACTION,
  ),
  eoh: asked(
    'eoh',
    { code: SMFIC.EOH, skip: SMFIP.NOEOH, noReply: SMFIP.NR_EOH, macros: 'eoh', since: 2 },
    OF_TRANSACTION,
  ),
  body: asked(
    'body',
    { code: SMFIC.BODY, skip: SMFIP.NOBODY, noReply: SMFIP.NR_BODY, macros: null, since: 1 },
    OF_TRANSACTION,
  ),
  end: asked('end', { code: SMFIC.BODYEOB, skip: 0, noReply: 0, macros: 'end', since: 1 }, OF_END),
  unknown: asked(
    'unknown',
    { code: SMFIC.UNKNOWN, skip: SMFIP.NOUNKNOWN, noReply: SMFIP.NR_UNKN, macros: null, since: 3 },
    OF_UNKNOWN,
  ),
  abort: told('abort', SMFIC.ABORT, 1),
  quit: told('quit', SMFIC.QUIT, 1),
  quitNc: told('quitNc', SMFIC.QUIT_NC, 6),
});

/** The part of an agreement the law looks at. */
export interface Spoken {
  readonly version: number;
  readonly protocol: number;
}

/** The event exists in the spoken version. */
export function knowsEvent(spoken: Spoken, event: EventName): boolean {
  return spoken.version >= LAW[event].since;
}

/** The event is to be sent: the version knows it and the filter did not switch it off. */
export function sendsEvent(spoken: Spoken, event: EventName): boolean {
  const law = LAW[event];
  return spoken.version >= law.since && (spoken.protocol & law.skip) === 0;
}

/** An answer to the event, once sent, is due. */
export function awaitsAnswer(spoken: Spoken, event: EventName): boolean {
  const law = LAW[event];
  return law.answered && (spoken.protocol & law.noReply) === 0;
}

/** What the verdict means at this event, or null when it is illegal there (SKIP that was not negotiated included). */
export function meaningOf(spoken: Spoken, event: EventName, verdict: VerdictKind): Meaning | null {
  if (verdict === 'skip' && (spoken.protocol & SMFIP.SKIP) === 0) return null;
  return LAW[event].verdicts[verdict] ?? null;
}

/** The header values keep their leading white space, both ways (reference 10). */
export function hasLeadingSpace(spoken: Spoken): boolean {
  return (spoken.protocol & SMFIP.HDR_LEADSPC) !== 0;
}

/** Recipients that the MTA refused are reported too (reference 7.8). */
export function wantsRefusedRecipients(spoken: Spoken): boolean {
  return (spoken.protocol & SMFIP.RCPT_REJ) !== 0;
}

/** Looks an event up by its SMFIC code; undefined for MACRO, OPTNEG and strangers. */
export function eventOfCode(code: number): EventName | undefined {
  return BY_CODE.get(code);
}

const BY_CODE: ReadonlyMap<number, EventName> = new Map(
  Object.values(LAW).map((law) => [law.code, law.name]),
);

/**
 * The actions of which one must have been granted for an edit frame, by SMFIR code (reference 5.3). INSHEADER has no bit of
 * its own: Sendmail asks for ADDHDRS, a widespread filter library allows it with CHGHDRS, so either will do.
 */
export const RIGHT_FOR: ReadonlyMap<number, number> = new Map([
  [SMFIR.ADDHEADER, SMFIF.ADDHDRS],
  [SMFIR.INSHEADER, SMFIF.ADDHDRS | SMFIF.CHGHDRS],
  [SMFIR.CHGHEADER, SMFIF.CHGHDRS],
  [SMFIR.REPLBODY, SMFIF.CHGBODY],
  [SMFIR.ADDRCPT, SMFIF.ADDRCPT],
  [SMFIR.ADDRCPT_PAR, SMFIF.ADDRCPT_PAR],
  [SMFIR.DELRCPT, SMFIF.DELRCPT],
  [SMFIR.CHGFROM, SMFIF.CHGFROM],
  [SMFIR.QUARANTINE, SMFIF.QUARANTINE],
]);

/** The edit frame was negotiated. */
export function mayEdit(actions: number, code: number): boolean {
  return (actions & (RIGHT_FOR.get(code) ?? 0)) !== 0;
}

/** The actions a filter must ask for to make this kind of edit (for SDKs that compute what they need). */
export const ACTION_OF: Readonly<Record<Edit['kind'], number>> = Object.freeze({
  addHeader: SMFIF.ADDHDRS,
  insertHeader: SMFIF.ADDHDRS,
  changeHeader: SMFIF.CHGHDRS,
  replaceBody: SMFIF.CHGBODY,
  addRecipient: SMFIF.ADDRCPT | SMFIF.ADDRCPT_PAR,
  deleteRecipient: SMFIF.DELRCPT,
  changeSender: SMFIF.CHGFROM,
  quarantine: SMFIF.QUARANTINE,
});
