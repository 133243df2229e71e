/**
 * Who holds a lease: a process, named so that a later process can tell whether it still lives.
 *
 * An owner is `PID-START-BOOT`: process id, its start time in kernel ticks, the first part of the machine's boot id. Where the
 * kernel does not tell (not Linux), START and BOOT are 0 and a reused process id makes a dead owner look alive until its
 * leases run out. Read once at start; never on the way of a message. Never throws.
 */
import { readFileSync } from 'node:fs';

const OWNER = /^(\d{1,10})-([0-9a-z]{1,13})-([0-9a-f]{1,8})$/;

/** What may be an owner's name: it becomes part of file names. */
export const OWNER_NAME = /^[A-Za-z0-9-]{1,64}$/;

/** The name of this process. */
export function makeOwner(): string {
  return `${process.pid}-${startOf(process.pid) ?? '0'}-${bootId()}`;
}

/** What a name tells: a living process, one that is gone, or `unknown` for names that makeOwner did not make. */
export function fateOf(owner: string): 'alive' | 'gone' | 'unknown' {
  const parts = OWNER.exec(owner);
  if (!parts) return 'unknown';
  const [, pid, start, boot] = parts;
  if (boot !== bootId()) return 'gone';
  if (start !== '0') return startOf(Number(pid)) === start ? 'alive' : 'gone';
  try {
    process.kill(Number(pid), 0);
    return 'alive';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH' ? 'gone' : 'alive';
  }
}

/** Field 22 of /proc/PID/stat, counted after the command name, which may hold anything. Null when there is no such process. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return ticks ? Number(ticks).toString(36) : null;
  } catch {
    return null;
  }
}

let boot: string | null = null;

function bootId(): string {
  if (boot === null) {
    try {
      boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').slice(0, 8);
    } catch {
      boot = '0';
    }
  }
  return boot;
}
