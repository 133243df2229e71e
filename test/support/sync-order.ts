/**
 * Reads what strace wrote of a gateway (`-f -y`, TRACED calls) and judges for each `250 ... queued as ID` whether everything it
 * promises was on the disk when it was sent: the record and the page that makes it count, and for a body in a file its bytes
 * and its name.
 *
 * Order is that of strace's lines: a call that is seen to return before another is seen to begin did return before it. Knows
 * lmdb's order of writing (pages, sync, then the header page, through a descriptor that syncs each write or with another sync)
 * and the spool's folders. Pure; lines it does not know are skipped.
 */

/** What strace must trace. */
export const TRACED = 'openat,fsync,fdatasync,write,writev,pwrite64,pwritev,rename,sendto,sendmsg';

/** One system call: the lines at which it began and returned. */
interface Call {
  readonly name: string;
  readonly args: string;
  readonly begun: number;
  readonly ended: number;
  /** Null when it failed. */
  readonly result: string | null;
}

/** What was found out about one reply. */
export interface Judged {
  readonly id: string;
  /** The message's body lies in a file of its own. */
  readonly onFile: boolean;
  /** What was missing when the reply was sent; '' for nothing. */
  readonly fault: string;
}

const WRITES = new Set(['write', 'writev', 'pwrite64', 'pwritev']);
const SYNCS = new Set(['fsync', 'fdatasync']);
const WHOLE = /^(\d+) +\S+ (\w+)\((.*)$/s;
const RESUMED = /^(\d+) +\S+ <\.\.\. (\w+) resumed>(.*)$/s;
const UNFINISHED = ' <unfinished ...>';
/** lmdb's two header pages lie at the beginning of its file; the offset of a write is its last argument. */
const HEADER_BYTES = 2 * 4096;
const OFFSET = /, (\d+)\)$/;

/** Judges every reply to a final dot in a trace. */
export function judgeTrace(trace: string): readonly Judged[] {
  const calls = callsOf(trace);
  const opened = openedForSync(calls);
  const replies = calls.filter(
    // What the journal keeps of a reply is none.
    (call) =>
      call.name !== 'openat' &&
      call.args.includes('"250 2.0.0 Ok: queued as ') &&
      !call.args.includes('/journal/'),
  );
  return replies.map((reply) => {
    const id = /queued as (\w+)/.exec(reply.args)![1]!;
    const before = calls.filter((call) => call.ended < reply.begun && call.result !== null);
    const record = before.find(
      (call) => isWrite(call, '/queue/data.mdb') && call.args.includes(` id ${id}\\r\\n`),
    );
    if (!record) return { id, onFile: false, fault: 'its record was not written' };
    const body = bodyFault(before, record);
    const fault = recordFault(before, record, opened) || (body ?? '');
    return { id, onFile: body !== null, fault };
  });
}

/** The record synced, then the header page, synced too. */
function recordFault(before: readonly Call[], record: Call, opened: ReadonlySet<string>): string {
  const synced = before.find((call) => isSync(call, '/queue/data.mdb') && call.begun > record.ended);
  if (!synced) return 'its record was not synced';
  const header = before.find(
    (call) => isWrite(call, '/queue/data.mdb') && offsetOf(call) < HEADER_BYTES && call.begun > synced.ended,
  );
  if (!header) return 'the header page was not written';
  if (opened.has(descriptorOf(header))) return '';
  const after = before.some((call) => isSync(call, '/queue/data.mdb') && call.begun > header.ended);
  return after ? '' : 'the header page was not synced';
}

/** Null for a message whose body is not in a file. The name of the test's message stands in the record and in the file. */
function bodyFault(before: readonly Call[], record: Call): string | null {
  const test = /X-Test-Id: (\w+)/.exec(record.args)?.[1] ?? '?';
  const first = before.find((call) => isWrite(call, '/incoming/') && call.args.includes(`${test} `));
  if (!first) return null;
  const file = pathOf(first);
  const name = file.slice(file.lastIndexOf('/incoming/'));
  const last = before.findLast((call) => isWrite(call, name))!;
  const synced = before.find((call) => isSync(call, name) && call.begun > last.ended);
  if (!synced) return 'its body was not synced';
  const moved = before.find((call) => call.name === 'rename' && call.args.startsWith(`"${file}"`));
  if (!moved || moved.begun < synced.ended) return 'its body was not moved, or before it was synced';
  const folder = before.find((call) => isSync(call, '/bodies>') && call.begun > moved.ended);
  if (!folder) return "its body's folder was not synced";
  return folder.ended < record.begun ? '' : 'its record was written before its body was safe';
}

const isWrite = (call: Call, path: string): boolean => WRITES.has(call.name) && pathOf(call).includes(path);
const isSync = (call: Call, path: string): boolean =>
  SYNCS.has(call.name) && call.result === '0' && `${pathOf(call)}>`.includes(path);

/** Infinity for a write that goes where the one before ended. */
const offsetOf = (call: Call): number =>
  call.name.startsWith('pwrite') ? Number(OFFSET.exec(call.args)?.[1] ?? Infinity) : Infinity;

/** `21</path>` at the start of the arguments: the descriptor and its path. */
const pathOf = (call: Call): string => call.args.slice(call.args.indexOf('<') + 1, call.args.indexOf('>'));
const descriptorOf = (call: Call): string => call.args.slice(0, call.args.indexOf('>') + 1);

/** Descriptors, with their path, that were opened so that each write is synced. */
function openedForSync(calls: readonly Call[]): ReadonlySet<string> {
  const opened = calls.filter((call) => call.name === 'openat' && /\bO_D?SYNC\b/.test(call.args));
  return new Set(opened.map((call) => call.result ?? ''));
}

function callsOf(trace: string): readonly Call[] {
  const calls: Call[] = [];
  const begun = new Map<string, { name: string; args: string; at: number }>();
  for (const [at, line] of trace.split('\n').entries()) {
    const whole = WHOLE.exec(line);
    if (whole) {
      const [, pid = '', name = '', rest = ''] = whole;
      if (rest.endsWith(UNFINISHED)) begun.set(pid, { name, args: rest.slice(0, -UNFINISHED.length), at });
      else calls.push(call(name, rest, at, at));
      continue;
    }
    const [, pid = '', , rest = ''] = RESUMED.exec(line) ?? [];
    const first = begun.get(pid);
    if (!first) continue;
    begun.delete(pid);
    calls.push(call(first.name, first.args + rest, first.at, at));
  }
  return calls;
}

/** `text`: arguments, closing bracket, result. */
function call(name: string, text: string, begun: number, ended: number): Call {
  const end = text.lastIndexOf(') = ');
  const said = text.slice(end + 4).split(' ', 1)[0] ?? '';
  return { name, args: text.slice(0, end + 1), begun, ended, result: said.startsWith('-') ? null : said };
}
