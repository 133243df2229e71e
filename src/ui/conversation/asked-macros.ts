/** Which macros a filter asked for in its negotiation and was not sent with a command. Pure. */
import type { PacketRow } from '../api/shapes.ts';

/** Names as filters write them: `{i}` and `i` are one. */
const plain = (name: string): string => name.replace(/^\{(.*)\}$/, '$1');

/** Whether a field of an option reply is a list of macros for one stage. */
export const isMacroList = ({ name }: PacketRow['fields'][number]): boolean => name.startsWith('macros at ');

/** Names that are missing in a packet of macros; none where the filter asked for no list of its own, or that is not known. */
export function missingMacros(macros: PacketRow, rows: readonly PacketRow[]): readonly string[] {
  const stage = /^macros for (\w+)/.exec(macros.summary)?.[1];
  const answer = rows.findLast(
    ({ lane, code, at }) => lane === macros.lane && code === 'SMFIR_OPTNEG' && at <= macros.at,
  );
  const asked = answer?.fields.find(({ name }) => name === `macros at ${stage}`)?.value.split(/[\s,]+/) ?? [];
  const sent = new Set(macros.fields.map(({ name }) => plain(name)));
  return asked.filter((name) => name !== '' && !sent.has(plain(name)));
}
