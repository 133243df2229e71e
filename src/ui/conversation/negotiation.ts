/** The two packets of a negotiation read side by side. Pure; tells nothing of what is too short. */
import type { PacketRow } from '../api/shapes.ts';
import { bytesOf } from '../message/bytes.ts';
import { ACTIONS, PROTOCOL, type Flag } from '../milters/flags.ts';

export interface Options {
  readonly version: number;
  readonly actions: number;
  readonly protocol: number;
}
export interface FlagLine {
  readonly flag: Flag;
  readonly offered: boolean;
  readonly wanted: boolean;
}
export interface Negotiation {
  readonly offer: Options;
  readonly answer: Options | null;
  readonly actions: readonly FlagLine[];
  readonly protocol: readonly FlagLine[];
}

/** Version, actions and protocol of an OPTNEG payload, with its letter or without. */
export function optionsOf(data: string): Options | null {
  const all = bytesOf(data);
  const bytes = all[0] === 0x4f && all.length >= 13 ? all.subarray(1) : all;
  if (bytes.length < 12) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return { version: view.getUint32(0), actions: view.getUint32(4), protocol: view.getUint32(8) };
}

/** The negotiation that a packet belongs to; null when it is none. */
export function negotiationOf(row: PacketRow, rows: readonly PacketRow[]): Negotiation | null {
  if (!row.code.endsWith('_OPTNEG')) return null;
  const lane = rows.filter((each) => each.lane === row.lane && each.code.endsWith('_OPTNEG'));
  const sent = lane.findLast((each) => each.direction === 'sent' && each.at <= row.at);
  const got = lane.find((each) => each.direction === 'received' && each.at >= (sent?.at ?? 0));
  const offer = sent ? optionsOf(sent.data) : null;
  if (!offer) return null;
  const answer = got ? optionsOf(got.data) : null;
  const read = (flags: readonly Flag[], key: 'actions' | 'protocol'): FlagLine[] =>
    flags
      .map((flag) => ({
        flag,
        offered: (offer[key] & flag.bit) !== 0,
        wanted: answer !== null && (answer[key] & flag.bit) !== 0,
      }))
      .filter(({ offered, wanted }) => offered || wanted);
  return { offer, answer, actions: read(ACTIONS, 'actions'), protocol: read(PROTOCOL, 'protocol') };
}
