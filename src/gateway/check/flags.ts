/** The table of flags: what was offered, what the filter wants, what was granted, each by its name and meaning. Pure. */
import { flagNames, SMFIF, SMFIP, type Agreement, type Choice, type Offer } from '#milter/protocol';
import type { Evidence } from './report.ts';

/** What an action lets a filter do. */
const ACTIONS: Readonly<Record<keyof typeof SMFIF, string>> = {
  ADDHDRS: 'add header fields',
  CHGBODY: 'replace the body',
  ADDRCPT: 'add recipients',
  DELRCPT: 'remove recipients',
  CHGHDRS: 'change header fields',
  QUARANTINE: 'have a message held',
  CHGFROM: 'change the sender',
  ADDRCPT_PAR: 'add recipients with parameters',
  SETSYMLIST: 'name the macros it wants',
};

/** What a protocol bit says when the filter sets it. */
const PROTOCOL: Readonly<Record<keyof typeof SMFIP, string>> = {
  NOCONNECT: 'does not want to hear of connections',
  NOHELO: 'does not want HELO',
  NOMAIL: 'does not want MAIL',
  NORCPT: 'does not want RCPT',
  NOBODY: 'does not want the body',
  NOHDRS: 'does not want header fields',
  NOEOH: 'does not want the end of the header',
  NR_HDR: 'does not answer header fields',
  NOUNKNOWN: 'does not want unknown commands',
  NODATA: 'does not want DATA',
  SKIP: 'may leave out the rest of the body',
  RCPT_REJ: 'wants recipients that were refused, too',
  NR_CONN: 'does not answer the connection',
  NR_HELO: 'does not answer HELO',
  NR_MAIL: 'does not answer MAIL',
  NR_RCPT: 'does not answer RCPT',
  NR_DATA: 'does not answer DATA',
  NR_UNKN: 'does not answer unknown commands',
  NR_EOH: 'does not answer the end of the header',
  NR_BODY: 'does not answer the body',
  HDR_LEADSPC: 'keeps the blank after the colon',
  MDS_256K: 'takes frames of 256 KiB',
  MDS_1M: 'takes frames of 1 MiB',
};

/** What was said on both sides. `agreement` null: there was none. */
export interface Negotiated {
  readonly offer: Offer;
  readonly choice: Choice;
  readonly agreement: Agreement | null;
}

/** The table as evidence, the macro lists behind it. */
export function flagsEvidence({ offer, choice, agreement }: Negotiated): readonly Evidence[] {
  const used = agreement === null ? 'none used' : `${agreement.version} used`;
  const rows: Evidence[] = [
    { name: 'version', value: `${offer.version} offered, ${choice.version} answered, ${used}` },
    ...table(SMFIF, ACTIONS, offer.actions, choice.actions, agreement?.actions ?? 0),
    ...table(SMFIP, PROTOCOL, offer.protocol, choice.protocol, agreement?.protocol ?? 0),
  ];
  for (const [stage, names] of choice.macros)
    rows.push({ name: `macros at ${stage}`, value: names.slice(0, 64).map(tame).join(' ') || 'none' });
  if (choice.macros.size === 0) rows.push({ name: 'macros', value: 'it names none and gets the usual ones' });
  return rows;
}

const tame = (name: string): string => name.slice(0, 64).replace(/[^\x21-\x7e]/g, '?');

function table(
  bits: Readonly<Record<string, number>>,
  means: Readonly<Record<string, string>>,
  offered: number,
  wanted: number,
  granted: number,
): readonly Evidence[] {
  const rows = Object.entries(bits)
    .filter(([, bit]) => ((offered | wanted) & bit) !== 0)
    .map(([name, bit]) => {
      const words = [
        (offered & bit) !== 0 ? 'offered' : 'not offered',
        (wanted & bit) !== 0 ? 'wanted' : 'not wanted',
        ...((wanted & bit) !== 0 ? [(granted & bit) !== 0 ? 'granted' : 'not granted'] : []),
      ];
      const tells = means === ACTIONS || (wanted & bit) !== 0;
      return { name, value: words.join(', ') + (tells ? `: ${means[name]}` : '') };
    });
  const known = Object.values(bits).reduce((all, bit) => all | bit, 0);
  const strange = flagNames(wanted & ~known, {});
  return [...rows, ...strange.map((name) => ({ name, value: 'wanted: a bit that nobody knows' }))];
}

/** What the filter may do and what it hears, in one sentence. */
export function flagsSentence({ choice, agreement }: Negotiated): string {
  if (agreement === null) return 'there is no agreement';
  const names = flagNames(agreement.actions & ~SMFIF.SETSYMLIST, SMFIF) as (keyof typeof SMFIF)[];
  const may =
    names.length > 0 ? `it may ${names.map((n) => ACTIONS[n] ?? n).join(', ')}` : 'it may change nothing';
  const lost = flagNames(choice.actions & ~agreement.actions, SMFIF);
  const lack =
    lost.length > 0
      ? `; it asks for ${lost.join(', ')} as well, which version ${agreement.version} does not have: what it does with them will count as its error`
      : '';
  return `milter version ${agreement.version}; ${may}${lack}`;
}
