/**
 * Keeps the journal within its bounds: rows by number and age, conversations and changes by bytes. In small steps, oldest first.
 *
 * Every process that writes does it; those that do it at the same time remove the same. What pinned sessions have in a segment
 * that goes is copied before, as long as there is room for it. Throws what lmdb throws.
 */
import { decodeDirectory, encodeDirectory, encodeLine, mentions, packetBytesOf } from './line-code.ts';
import { stampOf } from './stamp.ts';
import { bytesOf, countOf, keyOf, type Table, type Tables } from './tables.ts';

/** How much is kept. */
export interface Retention {
  readonly rows: number;
  /** Milliseconds. */
  readonly age: number;
  /** Bytes. */
  readonly conversations: number;
  readonly changes: number;
}

/** Entries removed in one step. */
const STEP = 500;
/** The share of the ring that pinned sessions may have besides. */
const PINNED = 4;
const PIN = 'pin/';

type Write = readonly [table: Table, key: Buffer, value: Buffer | null];

/** One step. True: there is more to do. */
export async function prune(tables: Tables, retention: Retention, now: number): Promise<boolean> {
  tables.freshen();
  const writes = [
    ...oldRows(tables, retention, now),
    ...leftBehind(tables),
    ...oldSegments(tables, retention),
    ...oldChanges(tables, retention),
  ];
  if (writes.length === 0) return false;
  await tables.batch(() => {
    for (const [table, key, value] of writes)
      void (value === null ? table.remove(key) : table.put(key, value));
  });
  return writes.length >= STEP;
}

function oldRows({ rows }: Tables, retention: Retention, now: number): Write[] {
  const over = countOf(rows) - retention.rows;
  const last = stampOf(now - retention.age);
  const writes: Write[] = [];
  for (const key of rows.getKeys({ limit: STEP, snapshot: false })) {
    if (writes.length >= over && key.toString('latin1') >= last) break;
    writes.push([rows, key, null]);
  }
  return writes;
}

/** Delivery lines of rows that are gone. */
function leftBehind({ rows, delivery }: Tables): Write[] {
  const [first] = rows.getKeys({ limit: 1, snapshot: false });
  if (first === undefined) return [];
  const writes: Write[] = [];
  for (const key of delivery.getKeys({ limit: STEP, end: first, snapshot: false }))
    writes.push([delivery, key, null]);
  return writes;
}

function oldSegments(tables: Tables, { conversations }: Retention): Write[] {
  const { lines, packets } = tables;
  let over = bytesOf(lines) + bytesOf(packets) - conversations;
  if (over <= 0) return [];
  const writes: Write[] = [];
  const pins = pinsOf(tables);
  for (const { key, value } of lines.getRange({ limit: STEP, snapshot: false })) {
    if (over <= 0 || writes.length >= STEP) break;
    over -= value.length + packetBytesOf(value);
    writes.push([lines, key, null], [packets, key, null]);
    const pinned = pins.filter((session) => mentions(value, session));
    if (pinned.length > 0 && hasRoomForPinned(tables, conversations))
      writes.push(...kept(tables, key, value, new Set(pinned)));
  }
  return writes;
}

/** What of a segment is pinned, as a smaller one. */
function kept(
  { packets, keptLines, keptPackets }: Tables,
  key: Buffer,
  directory: Buffer,
  pinned: ReadonlySet<string>,
): Write[] {
  const block = packets.get(key);
  if (!block) return [];
  const parts: Buffer[] = [];
  const lines: string[] = [];
  let offset = 0;
  for (const line of decodeDirectory(directory)) {
    if (!pinned.has(line.session)) continue;
    parts.push(block.subarray(line.offset, line.offset + line.length));
    lines.push(encodeLine(line, offset, line.length));
    offset += line.length;
  }
  return [
    [keptLines, key, encodeDirectory(lines, offset)],
    [keptPackets, key, Buffer.concat(parts)],
  ];
}

function oldChanges({ changes }: Tables, retention: Retention): Write[] {
  let over = bytesOf(changes) - retention.changes;
  if (over <= 0) return [];
  const writes: Write[] = [];
  for (const { key, value } of changes.getRange({ limit: STEP, snapshot: false })) {
    if (over <= 0) break;
    over -= value.length;
    writes.push([changes, key, null]);
  }
  return writes;
}

/** Sessions that are pinned. */
export function pinsOf({ meta }: Tables): readonly string[] {
  const pins: string[] = [];
  for (const key of meta.getKeys({ start: keyOf(PIN), end: keyOf(`${PIN}~`), snapshot: false }))
    pins.push(key.toString('latin1').slice(PIN.length));
  return pins;
}

/** The key of a pin. */
export const pinKey = (session: string): Buffer => keyOf(PIN + session);

/** Whether what pinned sessions have may grow. */
export function hasRoomForPinned({ keptLines, keptPackets }: Tables, conversations: number): boolean {
  return bytesOf(keptLines) + bytesOf(keptPackets) < conversations / PINNED;
}

/** A session that is pinned no more: what was kept for it alone goes. */
export async function unpin(tables: Tables, session: string): Promise<void> {
  tables.freshen();
  const writes: Write[] = [[tables.meta, pinKey(session), null]];
  for (const { key, value } of tables.keptLines.getRange({ snapshot: false })) {
    if (!mentions(value, session)) continue;
    const others = decodeDirectory(value).filter((line) => line.session !== session);
    writes.push([
      tables.keptLines,
      key,
      others.length > 0
        ? encodeDirectory(
            others.map((l) => encodeLine(l, l.offset, l.length)),
            packetBytesOf(value),
          )
        : null,
    ]);
    if (others.length === 0) writes.push([tables.keptPackets, key, null]);
  }
  await tables.batch(() => {
    for (const [table, key, value] of writes)
      void (value === null ? table.remove(key) : table.put(key, value));
  });
}
