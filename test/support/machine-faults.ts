/**
 * Faults of the machine, brought about from outside: system calls of a running process that fail or take long (strace attached to
 * it), and small volumes to fill.
 *
 * Everything is undone by what is returned, and with the test. Both need root.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { tempFolder, type Cleanup } from './folders.ts';
import { launch, needsRoot, run, skipWithout } from './processes.ts';
import { until } from './wait.ts';

/** For node:test's `skip`: what tampering with a process needs. */
export const withoutStrace = skipWithout('strace') || needsRoot('tampering with a process');

/**
 * Attaches strace to a process with these rules for `inject=`, on these paths only if there are any. Resolves when it holds every
 * thread; what it resolves with lets go again.
 */
export async function tamper(
  cleanup: Cleanup,
  pid: number,
  rules: readonly string[],
  paths: readonly string[] = [],
): Promise<() => Promise<void>> {
  const calls = rules.flatMap((rule) => rule.split(':')[0]!.split(','));
  const args = ['-f', '-o', '/dev/null', '-p', String(pid), '-e', `trace=${calls.join(',')}`];
  for (const path of paths) args.push('-P', path);
  for (const rule of rules) args.push('-e', `inject=${rule}`);
  const strace = launch('strace', 'strace', args);
  await until('strace to be attached', 5000, () => {
    if (strace.ended) throw new Error(`strace ended: ${strace.output}`);
    return /attached/.test(strace.output);
  });
  const letGo = async (): Promise<void> => {
    if (!strace.ended) {
      strace.signal('SIGINT');
      await strace.gone;
    }
  };
  cleanup.after(letGo);
  return letGo;
}

/** A volume of its own, in memory, gone after the test. `options` as of mount(8), for example `size=16m`. */
export async function smallVolume(cleanup: Cleanup, options: string): Promise<string> {
  const path = join(await tempFolder(cleanup), 'volume');
  await mkdir(path);
  await must('mount', '-t', 'tmpfs', '-o', options, 'none', path);
  cleanup.after(() => must('umount', '-l', path));
  return path;
}

/** Runs a command that must succeed. */
export async function must(command: string, ...args: readonly string[]): Promise<void> {
  await outputOf(command, ...args);
}

/** Runs a command that must succeed; what it says. */
async function outputOf(command: string, ...args: readonly string[]): Promise<string> {
  const { code, output } = await run(command, command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${output}`);
  return output.trim();
}

/** An ext4 volume of its own that can be taken away and brought back; gone after the test. */
export class Ext4Volume {
  readonly path: string;
  readonly #image: string;
  #device = '';

  private constructor(path: string, image: string) {
    this.path = path;
    this.#image = image;
  }

  static async make(cleanup: Cleanup, size: string): Promise<Ext4Volume> {
    const folder = await tempFolder(cleanup);
    const volume = new Ext4Volume(join(folder, 'volume'), join(folder, 'image'));
    await mkdir(volume.path);
    await must('truncate', '-s', size, volume.#image);
    await must('mkfs.ext4', '-q', '-F', volume.#image);
    await volume.mount();
    cleanup.after(() => volume.unmount());
    return volume;
  }

  async mount(): Promise<void> {
    this.#device = await outputOf('losetup', '-f', '--show', this.#image);
    await must('mount', '-o', 'errors=remount-ro', this.#device, this.path);
  }

  async unmount(): Promise<void> {
    if (this.#device === '') return;
    await must('umount', '-l', this.path);
    await must('losetup', '-d', this.#device);
    this.#device = '';
  }

  /** Lets the kernel find an error in the file system: from now on it takes no writes until it is mounted again. */
  async fail(): Promise<void> {
    await writeFile(`/sys/fs/ext4/${basename(this.#device)}/trigger_fs_error`, 'planned by a test');
  }
}
