/**
 * Option negotiation: offer, choice, and the agreement that follows (milter reference 5).
 *
 * The reply of the filter is the contract of the connection. `agree` throws `negotiation` with a sentence that says what to
 * change when there can be no contract; it honours NO and NR bits that were not offered, because filters act on them anyway.
 */
import { MilterProtocolError } from './errors.ts';
import type { FrameWriter } from './frames.ts';
import type { MacroStage } from './law.ts';
import { macroStageNumber, macroStageOf, splitMacroNames } from './macros.ts';
import { DATA_SIZE, SMFIC, SMFIF, SMFIP, SMFIR, VERSION, flagNames } from './numbers.ts';
import { Payload } from './payloads.ts';

/** What an MTA offers: the OPTNEG command. */
export interface Offer {
  readonly version: number;
  /** SMFIF bits. */
  readonly actions: number;
  /** SMFIP bits. */
  readonly protocol: number;
}

/** What a filter chooses: the OPTNEG response. */
export interface Choice extends Offer {
  /** Macro names per stage it named (reference 5.6); stages with numbers nobody knows are left out. */
  readonly macros: ReadonlyMap<MacroStage, readonly string[]>;
}

/** The contract of one connection. */
export interface Agreement {
  readonly version: number;
  readonly actions: number;
  readonly protocol: number;
  /** Greatest payload in bytes, both ways for what we send. */
  readonly maxData: number;
  /** Lists that replace the default ones; an empty list means no macros at that stage. */
  readonly macros: ReadonlyMap<MacroStage, readonly string[]>;
}

/** Most names in one macro list; more is an error. */
export const MAX_MACRO_NAMES = 256;

const MDS = SMFIP.MDS_256K | SMFIP.MDS_1M;
const ACTIONS_OF_2 = 0x3f;
const ACTIONS_OF_6 = 0x1ff;

/** All actions a version has (reference 5.3). */
export function actionsOf(version: number): number {
  return version >= VERSION.MAX ? ACTIONS_OF_6 : ACTIONS_OF_2;
}

/** All protocol bits a version has (reference 5.4), without the data sizes. */
export function protocolOf(version: number): number {
  if (version >= 6) return 0x1fffff;
  if (version >= 4) return 0x37f;
  return version === 3 ? 0x17f : 0x7f;
}

/** The offer of a version: everything it has, or `actions` and `protocol` masked to it. */
export function makeOffer(version: number, actions?: number, protocol?: number): Offer {
  const extra = version >= 6 ? MDS : 0;
  return Object.freeze({
    version,
    actions: (actions ?? actionsOf(version)) & actionsOf(version),
    protocol: (protocol ?? protocolOf(version)) & (protocolOf(version) | extra),
  });
}

/** Writes the OPTNEG command: exactly twelve bytes of payload. */
export function encodeOffer(writer: FrameWriter, offer: Offer): void {
  writer.open(SMFIC.OPTNEG).uint32(offer.version).uint32(offer.actions).uint32(offer.protocol).close();
}

/** Reads the OPTNEG command. What follows the twelve bytes is ignored. */
export function decodeOffer(payload: Uint8Array): Offer {
  const read = new Payload(payload, 'the option offer');
  return { version: read.uint32(), actions: read.uint32(), protocol: read.uint32() };
}

/** Writes the OPTNEG response, with the macro lists as its tail in the order of the map. */
export function encodeChoice(writer: FrameWriter, choice: Choice): void {
  writer.open(SMFIR.OPTNEG).uint32(choice.version).uint32(choice.actions).uint32(choice.protocol);
  for (const [stage, names] of choice.macros) writer.uint32(macroStageNumber(stage)).string(names.join(' '));
  writer.close();
}

/** Reads the OPTNEG response. Throws `negotiation` on a payload or a tail that does not decode, or above the default data size. */
export function decodeChoice(payload: Uint8Array): Choice {
  if (payload.length > DATA_SIZE.DEFAULT)
    throw new MilterProtocolError('negotiation', `the option reply has ${payload.length} bytes`);
  const read = new Payload(payload, 'the option reply');
  try {
    const choice = { version: read.uint32(), actions: read.uint32(), protocol: read.uint32() };
    return { ...choice, macros: decodeTail(read) };
  } catch (error) {
    if (!(error instanceof MilterProtocolError)) throw error;
    throw new MilterProtocolError('negotiation', error.message);
  }
}

function decodeTail(read: Payload): ReadonlyMap<MacroStage, readonly string[]> {
  if (read.left === 0) return NO_LISTS;
  const lists = new Map<MacroStage, readonly string[]>();
  while (read.left > 0) {
    const stage = macroStageOf(read.uint32());
    const names = splitMacroNames(read.string());
    if (names.length > MAX_MACRO_NAMES)
      throw new MilterProtocolError(
        'negotiation',
        `the filter asks for ${names.length} macros at one stage; the limit is ${MAX_MACRO_NAMES}`,
      );
    if (stage !== undefined) lists.set(stage, names);
  }
  return lists;
}

const NO_LISTS: ReadonlyMap<MacroStage, readonly string[]> = new Map();

/** The contract that follows from offer and choice (reference 5.5). Throws `negotiation` when there is none. */
export function agree(offer: Offer, choice: Choice): Agreement {
  if (choice.version < VERSION.MIN || choice.version > offer.version)
    throw new MilterProtocolError(
      'negotiation',
      `the filter answers with protocol version ${choice.version}; versions ${VERSION.MIN} to ${offer.version} were offered`,
    );
  const unoffered = (choice.actions & ~offer.actions) >>> 0;
  if (unoffered !== 0) throw new MilterProtocolError('negotiation', unofferedSentence(offer, unoffered));
  // NR_HDR was added to the older versions without a change of number (reference 5.2).
  const possible = protocolOf(choice.version) | SMFIP.NR_HDR;
  return Object.freeze({
    version: choice.version,
    actions: choice.actions & actionsOf(choice.version),
    protocol: (choice.protocol & possible) >>> 0,
    maxData: dataSize(offer.protocol & choice.protocol),
    macros: (offer.actions & SMFIF.SETSYMLIST) !== 0 ? choice.macros : NO_LISTS,
  });
}

function unofferedSentence(offer: Offer, unoffered: number): string {
  const names = flagNames(unoffered, SMFIF).join(', ');
  const unknown = (unoffered & ~ACTIONS_OF_6) >>> 0;
  const most = actionsOf(offer.version);
  const asks = `the filter asks for actions that were not offered: ${names}`;
  if (unknown !== 0) return `${asks}; this is no action of any known protocol version`;
  if ((unoffered & ~most) !== 0) return `${asks}; they need protocolVersion v6`;
  const needed = offer.actions | unoffered;
  return `${asks}; set flagsAction to ${needed} (0x${needed.toString(16)}) or leave it out to offer everything`;
}

/** Payload size for the MDS bits on which both sides agree (reference 5.7). */
function dataSize(bits: number): number {
  if ((bits & SMFIP.MDS_1M) !== 0) return DATA_SIZE.MDS_1M;
  return (bits & SMFIP.MDS_256K) !== 0 ? DATA_SIZE.MDS_256K : DATA_SIZE.DEFAULT;
}
