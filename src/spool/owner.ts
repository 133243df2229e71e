/**
 * Who holds a lease: a process, named so that a later process can tell whether it still lives.
 *
 * An owner is `PID-START-BOOT-SPACE`: process id, its start time in kernel ticks, the first part of the machine's boot id, the
 * PID namespace. A process of another namespace (a container, its host) cannot be looked up, so nothing is said about it. Where
 * the kernel does not tell (not Linux), START, BOOT and SPACE are 0 and a reused process id makes a dead owner look alive until
 * its leases run out. Read once at start; never on the way of a message. Never throws.
 */
import { readFileSync, readlinkSync } from 'node:fs';

const OWNER = /^(\d{1,10})-([0-9a-z]{1,13})-([0-9a-f]{1,8})-([0-9a-z]{1,13})$/;

/** What may be an owner's name: it becomes part of file names. */
export const OWNER_NAME = /^[A-Za-z0-9-]{1,64}$/;

/** The name of this process. */
export function makeOwner(): string {
  return `${process.pid}-${startOf(process.pid) ?? '0'}-${bootId()}-${pidSpace()}`;
}

/**
 * What a name tells: a process that lives, one that is gone for certain, or `unknown`: a process of another PID namespace, one
 * that may not be looked at, or a name that makeOwner did not make.
 */
export function fateOf(owner: string): 'alive' | 'gone' | 'unknown' {
  const parts = OWNER.exec(owner);
  if (!parts) return 'unknown';
  const [, pid, start, boot, space] = parts;
  if (boot !== bootId()) return 'gone';
  if (space !== pidSpace()) return 'unknown';
  const found = startOf(Number(pid));
  if (found === ENDED) return 'gone';
  if (found !== null && start !== '0') return found === start ? 'alive' : 'gone';
  try {
    process.kill(Number(pid), 0);
    return start === '0' ? 'alive' : 'unknown'; // it may be another process, or one that is hidden from us in /proc
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH' ? 'gone' : 'unknown';
  }
}

/** The start of a process that has ended and only waits for its parent to ask how; a container's first process may never ask. */
const ENDED = 'ended';

/**
 * Fields of /proc/PID/stat, counted after the command name, which may hold anything: 3 the state, 20 its threads, 22 its start.
 * A killed process whose last threads are still inside a system call has not ended yet. Null when there is no such process, or
 * none that may be seen, or when /proc is of another namespace and its numbers mean other processes.
 */
function startOf(pid: number): string | null {
  try {
    if (readlinkSync('/proc/self') !== String(process.pid)) return null;
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if ((fields[0] === 'Z' || fields[0] === 'X') && Number(fields[17]) <= 1) return ENDED;
    return fields[19] ? Number(fields[19]).toString(36) : null;
  } catch {
    return null;
  }
}

let boot: string | null = null;

function bootId(): string {
  boot ??= told(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').slice(0, 8));
  return boot;
}

let space: string | null = null;

/** The number of this process's PID namespace; the link reads `pid:[4026531836]`. */
function pidSpace(): string {
  space ??= told(() => Number(/\d+/.exec(readlinkSync('/proc/self/ns/pid'))![0]).toString(36));
  return space;
}

function told(read: () => string): string {
  try {
    return read();
  } catch {
    return '0';
  }
}
