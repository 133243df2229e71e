/**
 * A disk whose power can be cut: an ext4 file system in a file, mounted through a loop device.
 *
 * At a cut everything that writes to it is stopped (SIGSTOP), the file is copied as it stands, which has what was written to
 * the "disk" and not what the kernel still keeps in memory, and the copy takes its place. Mounting it replays its journal, as
 * after a real cut. The file system is told to write nothing by itself for a long time (commit=300, noauto_da_alloc), so what
 * was not synced is not there. Needs root and loop devices.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cleanup } from './folders.ts';
import { run, skipWithout } from './processes.ts';
import { until } from './wait.ts';

/** Bytes of the disk and MiB of its journal: large, so that the journal filling up does not make it write early. */
const DISK_BYTES = 768 * 2 ** 20;
const JOURNAL_MIB = 128;
const MOUNT = 'loop,noauto_da_alloc,commit=300,noinit_itable,noatime';
/** Attempts at a copy during which nothing was written. */
const COPIES = 50;

/** For node:test's `skip`: why there can be no power cuts here, loudly; false when there can, and always false with CI=true. */
export function skipWithoutPowerCuts(): string | false {
  const reason = skipWithout('mkfs.ext4', 'mount', 'umount', 'losetup') || whyNoLoop();
  if (reason === false || process.env['CI'] === 'true') return false;
  console.error(`NOT TESTED, power cuts: ${reason}`);
  return reason;
}

/** Attaches a small file to a loop device and lets go of it again. */
function whyNoLoop(): string | false {
  if (process.getuid?.() !== 0) return 'only root can use loop devices';
  const folder = mkdtempSync(join(tmpdir(), 'millrace-loop-'));
  try {
    const file = join(folder, 'image');
    writeFileSync(file, '');
    truncateSync(file, 1 << 20);
    const attached = spawnSync('losetup', ['--find', '--show', file], { encoding: 'utf8' });
    if (attached.status !== 0) return `loop devices cannot be used here: ${attached.stderr.trim()}`;
    spawnSync('losetup', ['--detach', attached.stdout.trim()]);
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export class PowerCutDisk {
  /** Where it is mounted, before and after a cut. */
  readonly path: string;
  readonly #folder: string;
  #image = 0;

  private constructor(folder: string) {
    this.#folder = folder;
    this.path = join(folder, 'disk');
  }

  /** Makes an empty disk below `folder` and mounts it; it is unmounted at the end of the test. */
  static async make(cleanup: Cleanup, folder: string): Promise<PowerCutDisk> {
    if (process.getuid?.() !== 0) throw new Error('power cuts need root, to mount a file system from a file');
    const disk = new PowerCutDisk(folder);
    await mkdir(disk.path);
    await writeFile(disk.#file, '');
    await truncate(disk.#file, DISK_BYTES);
    await must('mkfs.ext4', '-q', '-F', '-E', 'nodiscard', '-J', `size=${JOURNAL_MIB}`, disk.#file);
    cleanup.after(() => run('umount', 'umount', [disk.path]));
    await disk.#mount();
    return disk;
  }

  /** Everything on it to the image, for what is not under test. */
  async sync(): Promise<void> {
    await must('sync', '-f', this.path);
  }

  /**
   * Cuts the power: stops the process group, keeps what is on the disk at that moment, kills the group with `kill`, and mounts
   * what was kept in place of the disk.
   */
  async cut(group: number, kill: () => Promise<void>): Promise<void> {
    process.kill(-group, 'SIGSTOP');
    await until(`process group ${group} to stop`, 20_000, () => isStopped(group), 2);
    await this.#copy(this.#fileOf(this.#image + 1));
    await kill();
    await until('the disk to be unused', 20_000, async () => {
      const { code, output } = await run('umount', 'umount', [this.path]);
      if (code !== 0 && !output.includes('busy')) throw new Error(`umount: ${output}`);
      return code === 0;
    });
    await must('rm', this.#file);
    this.#image += 1;
    await this.#mount();
  }

  get #file(): string {
    return this.#fileOf(this.#image);
  }

  #fileOf(image: number): string {
    return join(this.#folder, `disk-${image}.img`);
  }

  async #mount(): Promise<void> {
    const { code, output } = await run('mount', 'mount', ['-t', 'ext4', '-o', MOUNT, this.#file, this.path]);
    if (code !== 0) throw new Error(`a loop device could not be mounted, which power cuts need: ${output}`);
  }

  /** Copies the image at one moment: again when the kernel wrote to it meanwhile. */
  async #copy(to: string): Promise<void> {
    const device = await deviceAt(this.path);
    const counters = (): Promise<string> => readFile(`/sys/block/${device}/stat`, 'latin1');
    for (let i = 0; i < COPIES; i += 1) {
      const before = await counters();
      await must('cp', '--sparse=always', this.#file, to);
      if (before === (await counters()) && isIdle(before)) return;
    }
    throw new Error('the disk was written to during every attempt to copy it');
  }
}

/** Fields of a block device's `stat`: the 9th is the number of requests that are under way. */
function isIdle(counters: string): boolean {
  return counters.trim().split(/\s+/)[8] === '0';
}

/** `loopN` of what is mounted there. */
async function deviceAt(path: string): Promise<string> {
  const mounts = await readFile('/proc/self/mounts', 'latin1');
  const line = mounts.split('\n').find((mount) => mount.split(' ')[1] === path);
  const device = /^\/dev\/(loop\d+) /.exec(line ?? '')?.[1];
  if (device === undefined) throw new Error(`nothing is mounted from a loop device at ${path}`);
  return device;
}

/** No thread of the group runs or is within a system call: stopped, or a zombie. */
async function isStopped(group: number): Promise<boolean> {
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const [, pgrp] = await stateOf(`/proc/${pid}/stat`);
    if (pgrp !== group) continue;
    for (const thread of await readdir(`/proc/${pid}/task`).catch(() => [])) {
      const [state] = await stateOf(`/proc/${pid}/task/${thread}/stat`);
      if (!'TtZX'.includes(state)) return false;
    }
  }
  return true;
}

/** State letter and process group; a process that has gone meanwhile counts as dead. */
async function stateOf(stat: string): Promise<readonly [state: string, group: number]> {
  const text = await readFile(stat, 'latin1').catch(() => '');
  // The name stands in brackets and may hold anything.
  const [state = 'X', , group = '0'] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return [text === '' ? 'X' : state, Number(group)];
}

async function must(program: string, ...args: string[]): Promise<void> {
  const { code, output } = await run(program, program, args);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${output}`);
}
