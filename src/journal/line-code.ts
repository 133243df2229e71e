/** Directories of segments: which parts a block of packets holds, and where. What cannot be read is empty. */

/** One recorded piece of a part. A part has one, or more when something was said after it had been written. */
export interface PartLine {
  readonly session: string;
  readonly part: number;
  readonly id: string;
  readonly at: number;
  readonly client: string;
  readonly listener: string;
  readonly from: string;
  /** Recipients named, the first MAX_SEARCHED of them. */
  readonly to: readonly string[];
  readonly packets: number;
  readonly bytes: number;
  readonly ms: number;
  readonly outcome: string;
  readonly milters: readonly string[];
  readonly slowest: number;
  readonly errors: number;
  readonly dropped: number;
  /** Milliseconds from the session's begin to that of the piece. */
  readonly begin: number;
  /** Names of the lanes from LANE.milters on. */
  readonly lanes: readonly string[];
  /** It goes on a part that has a line already: not listed by itself. */
  readonly more: boolean;
}

/** A line and where its recording lies among the packets. */
export interface PlacedLine extends PartLine {
  readonly offset: number;
  readonly length: number;
}

/**
 * A line as text, made as soon as it is known (see row-code.ts). Durations are whole hundredths of a millisecond. `offset` and
 * `length`: where its recording lies.
 */
export function encodeLine(l: PartLine, offset: number, length: number): string {
  return JSON.stringify([
    l.session,
    l.part,
    l.id,
    l.at,
    l.client,
    l.listener,
    l.from,
    l.to[0] ?? '',
    l.packets,
    l.bytes,
    hundredths(l.ms),
    l.outcome,
    l.milters,
    hundredths(l.slowest),
    l.errors,
    l.dropped,
    hundredths(l.begin),
    l.lanes,
    l.more ? 1 : 0,
    offset,
    length,
    l.to.length > 1 ? l.to.slice(1) : NOBODY,
  ]);
}

const NOBODY: readonly string[] = [];

const hundredths = (ms: number): number => Math.round(ms * 100);

/** Bytes before the lines of a directory: bytes of the packets, number of lines. */
export const DIRECTORY_HEAD = 8;

/** The directory of lines: its head, then the lines as one list. */
export function encodeDirectory(lines: readonly string[], packetBytes: number): Buffer {
  const text = `[${lines.join(',')}]`;
  const buffer = Buffer.allocUnsafeSlow(DIRECTORY_HEAD + Buffer.byteLength(text));
  buffer.writeUInt32LE(packetBytes, 0);
  buffer.writeUInt32LE(lines.length, 4);
  buffer.write(text, DIRECTORY_HEAD, 'utf8');
  return buffer;
}

type LineTuple = readonly unknown[];

/** Bytes of the packets of a directory. */
export function packetBytesOf(directory: Buffer): number {
  return directory.length >= DIRECTORY_HEAD ? directory.readUInt32LE(0) : 0;
}

/** Its number of lines. */
export function linesIn(directory: Buffer): number {
  return directory.length >= DIRECTORY_HEAD ? directory.readUInt32LE(4) : 0;
}

/** Whether a directory may speak of a session; quick. */
export function mentions(directory: Buffer, session: string): boolean {
  return directory.indexOf(`["${session}",`, DIRECTORY_HEAD, 'latin1') >= 0;
}

export function decodeDirectory(directory: Buffer): readonly PlacedLine[] {
  try {
    return (JSON.parse(directory.toString('utf8', DIRECTORY_HEAD)) as LineTuple[]).map(lineOf);
  } catch {
    return [];
  }
}

function lineOf(t: LineTuple): PlacedLine {
  return {
    session: t[0] as string,
    part: t[1] as number,
    id: t[2] as string,
    at: t[3] as number,
    client: t[4] as string,
    listener: t[5] as string,
    from: t[6] as string,
    to: recipientsOf(t[7] as string, t[21] as readonly string[] | undefined),
    packets: t[8] as number,
    bytes: t[9] as number,
    ms: (t[10] as number) / 100,
    outcome: t[11] as string,
    milters: t[12] as readonly string[],
    slowest: (t[13] as number) / 100,
    errors: t[14] as number,
    dropped: t[15] as number,
    begin: (t[16] as number) / 100,
    lanes: t[17] as readonly string[],
    more: t[18] === 1,
    offset: t[19] as number,
    length: t[20] as number,
  };
}

/** `further`: not there in lines that earlier versions wrote. */
function recipientsOf(first: string, further: readonly string[] = NOBODY): readonly string[] {
  return first === '' && further.length === 0 ? NOBODY : [first, ...further];
}
