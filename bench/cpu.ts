/**
 * CPU time of a group of processes, children that have ended included. The same method is used for every peer of a run.
 *
 * Best is a cgroup of its own (v1 cpuacct, else v2), made below the cgroup this program is in; where none can be made, the
 * times in /proc of the roots and all their descendants, with what ended children left to their parents.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

/** Accounts the CPU of one group. */
export interface CpuAccount {
  readonly method: string;
  /** The command that runs `command` inside the account. */
  wrap(command: readonly string[]): readonly string[];
  /** CPU seconds so far. `roots` are the processes started inside; only the /proc method reads them. */
  seconds(roots: readonly number[]): number;
  /** Call when every process of the group is gone. */
  close(): void;
}

/** Clock ticks a second in /proc; 100 on every Linux that Node runs on. */
const TICKS = 100;

/** Opens an account; `name` distinguishes it from the others of this process. */
export function openAccount(name: string): CpuAccount {
  const parent = writableCgroup();
  if (!parent) return procAccount();
  const folder = join(parent.folder, `millrace-bench-${process.pid}-${name}`);
  try {
    mkdirSync(folder);
  } catch {
    return procAccount();
  }
  return {
    method: parent.method,
    wrap: (command) => ['sh', '-c', 'echo $$ > "$0"/cgroup.procs && exec "$@"', folder, ...command],
    seconds: () => parent.read(folder),
    close() {
      try {
        rmdirSync(folder);
      } catch {
        // A straggler is still in it; an empty accounting group left behind does no harm.
      }
    },
  };
}

interface Cgroup {
  readonly folder: string;
  readonly method: string;
  read(folder: string): number;
}

/** The cgroup this process is in, of a kind that accounts CPU, if groups can be made below it. */
function writableCgroup(): Cgroup | undefined {
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '));
  const memberships = readFileSync('/proc/self/cgroup', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const v1 = mounts.find(
    ([, , type, options]) => type === 'cgroup' && options?.split(',').includes('cpuacct'),
  );
  const v1Path = memberships.find(([, controllers]) => controllers?.split(',').includes('cpuacct'))?.[2];
  const v2 = mounts.find(([, , type]) => type === 'cgroup2');
  const v2Path = memberships.find(([number]) => number === '0')?.[2];
  const kinds: Cgroup[] = [];
  if (v1?.[1] && v1Path !== undefined)
    kinds.push({
      folder: join(v1[1], v1Path),
      method: 'cgroup v1 (cpuacct)',
      read: (folder) => Number(readFileSync(join(folder, 'cpuacct.usage'), 'utf8')) / 1e9,
    });
  if (v2?.[1] && v2Path !== undefined)
    kinds.push({ folder: join(v2[1], v2Path), method: 'cgroup v2 (cpu.stat)', read: readCpuStat });
  return kinds.find((kind) => {
    const probe = join(kind.folder, `millrace-bench-${process.pid}-probe`);
    try {
      mkdirSync(probe);
    } catch {
      return false;
    }
    try {
      return existsSync(join(probe, 'cgroup.procs')) && Number.isFinite(kind.read(probe));
    } catch {
      return false;
    } finally {
      rmdirSync(probe);
    }
  });
}

function readCpuStat(folder: string): number {
  const usage = /^usage_usec (\d+)$/m.exec(readFileSync(join(folder, 'cpu.stat'), 'utf8'));
  return usage ? Number(usage[1]) / 1e6 : Number.NaN;
}

function procAccount(): CpuAccount {
  return {
    method: '/proc (process tree)',
    wrap: (command) => command,
    seconds: treeSeconds,
    close() {},
  };
}

/** CPU seconds of these processes and everything below them, ended children included. */
export function treeSeconds(roots: readonly number[]): number {
  const children = new Map<number, number[]>();
  const ticks = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    let stat: string;
    try {
      stat = readFileSync(`/proc/${name}/stat`, 'latin1');
    } catch {
      continue; // It has just ended; its parent has its time, or will by the next reading.
    }
    // The command's name may hold blanks and parentheses; the fields that follow the last one are numbers.
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [parent = 0] = fields.slice(1, 2);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
    // utime, stime, cutime, cstime: proc(5) fields 14 to 17; the state, field 3, is the first one here.
    ticks.set(
      Number(name),
      fields.slice(11, 15).reduce((sum, n) => sum + n, 0),
    );
  }
  const below = (pid: number): number =>
    (ticks.get(pid) ?? 0) + (children.get(pid) ?? []).reduce((sum, child) => sum + below(child), 0);
  return roots.reduce((sum, root) => sum + below(root), 0) / TICKS;
}

/** Busy CPU seconds of the whole machine since boot. */
export function machineSeconds(): number {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (
    readFileSync('/proc/stat', 'latin1').split('\n')[0] ?? ''
  )
    .split(/\s+/)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS;
}
