/**
 * Macros: which are sent at which stage, and how their names look on the wire (milter reference 5.6 and 6).
 *
 * Single letters travel bare, all other names in braces. A macro without a value is left out: filters take the mere presence
 * of a name for a fact. Pure; never throws.
 */
import type { FrameWriter } from './frames.ts';
import { LAW, type MacroStage } from './law.ts';
import { SMFIC, SMFIM } from './numbers.ts';
import type { EventName, MacroLookup } from './values.ts';

const NUMBER: Readonly<Record<MacroStage, number>> = {
  connect: SMFIM.CONNECT,
  helo: SMFIM.HELO,
  mail: SMFIM.ENVFROM,
  rcpt: SMFIM.ENVRCPT,
  data: SMFIM.DATA,
  end: SMFIM.EOM,
  eoh: SMFIM.EOH,
};

const BY_NUMBER = new Map(Object.entries(NUMBER).map(([stage, n]) => [n, stage as MacroStage]));

/** SMFIM number of a stage. */
export function macroStageNumber(stage: MacroStage): number {
  return NUMBER[stage];
}

/** Stage of a SMFIM number; undefined for a number nobody knows. */
export function macroStageOf(number: number): MacroStage | undefined {
  return BY_NUMBER.get(number);
}

/** The name as it travels: `i`, `{auth_authen}`; `{i}` and `auth_authen` are put right. */
export function macroName(name: string): string {
  const bare = name.startsWith('{') && name.endsWith('}') ? name.slice(1, -1) : name;
  return bare.length === 1 ? bare : `{${bare}}`;
}

/** The names of one list of the symbol list: separated by spaces or commas. */
export function splitMacroNames(list: string): string[] {
  return list
    .split(/[ ,]+/)
    .filter((name) => name !== '' && name !== '{}')
    .map(macroName);
}

/** What is sent to a filter that names no list of its own: a superset that no known filter minds (reference 6.5). */
export const DEFAULT_MACROS: Readonly<Record<MacroStage, readonly string[]>> = {
  connect: splitMacroNames(
    'j v _ b daemon_name daemon_addr daemon_port if_name if_addr client_addr client_name client_port client_ptr ' +
      'client_resolve client_connections',
  ),
  helo: splitMacroNames('s r tls_version cipher cipher_bits cert_subject cert_issuer verify tls_sni'),
  mail: splitMacroNames('i r auth_type auth_authen auth_author auth_ssf mail_mailer mail_host mail_addr'),
  rcpt: splitMacroNames('i rcpt_mailer rcpt_host rcpt_addr'),
  data: ['i'],
  eoh: ['i'],
  end: splitMacroNames('i msg_id'),
};

/** What decides the lists: the `macros` of an Agreement. */
export interface MacroLists {
  readonly macros: ReadonlyMap<MacroStage, readonly string[]>;
}

/** Names to send at a stage: the filter's own list, or the default. */
export function macroNamesFor(agreement: MacroLists, stage: MacroStage): readonly string[] {
  return agreement.macros.get(stage) ?? DEFAULT_MACROS[stage];
}

/** Names and values to send at a stage; those without a value are left out. */
export function macrosFor(
  agreement: MacroLists,
  stage: MacroStage,
  lookup: MacroLookup,
): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (const name of macroNamesFor(agreement, stage)) {
    const value = lookup(name);
    if (value) pairs.push([name, value]);
  }
  return pairs;
}

/** Writes a MACRO frame for the command `event`; pairs with an empty value are left out. */
export function encodeMacros(
  writer: FrameWriter,
  event: EventName,
  pairs: Iterable<readonly [name: string, value: string]>,
): void {
  writer.open(SMFIC.MACRO).byte(LAW[event].code);
  for (const [name, value] of pairs) if (value !== '') writer.string(name).string(value);
  writer.close();
}

/**
 * Writes the MACRO frame a stage calls for, without building pairs: nothing when the list is empty, a frame without pairs
 * when nothing on it has a value (so that the values of an earlier recipient do not stay; reference 6.1).
 */
export function encodeStageMacros(
  writer: FrameWriter,
  agreement: MacroLists,
  stage: MacroStage,
  lookup: MacroLookup,
): void {
  const names = macroNamesFor(agreement, stage);
  if (names.length === 0) return;
  writer.open(SMFIC.MACRO).byte(LAW[stage].code);
  for (const name of names) {
    const value = lookup(name);
    if (value) writer.string(name).string(value);
  }
  writer.close();
}
