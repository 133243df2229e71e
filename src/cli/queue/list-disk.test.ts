// `queue list` on a full disk: this very file again, in a mount namespace with a small file system of its own.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ManualClock } from '#clock';
import { bodyOf, bytesOf } from '#message';
import { silent } from '#notices';
import { openLmdbSpool } from '#spool';
import { main } from '../index.ts';

/** Puts a message into a spool, fills the disk to its last byte, and lists the queue. */
async function listOnFullDisk(folder: string): Promise<void> {
  writeFileSync(join(folder, 'millrace.yaml'), 'stateDir: ./state\n');
  const dir = join(folder, 'state/spool');
  const spool = await openLmdbSpool({ dir, clock: new ManualClock(1), notices: silent });
  const meta = {
    id: '0A',
    state: 'queued',
    receivedAt: 0,
    sender: '',
    senderParams: [],
    recipients: [],
    origin: {
      listener: '',
      clientAddress: '',
      clientName: '',
      helo: '',
      user: '',
      localPort: 0,
      source: 'api',
    },
    size: 0,
    due: 0,
    expiresAt: 0,
    attempts: 0,
    hold: null,
    lease: null,
  } as const;
  await spool.commit({ meta, header: bytesOf('A: b\r\n'), body: bodyOf([]) });
  await spool.close();
  assert.throws(() => writeFileSync(join(folder, 'filling'), Buffer.alloc(2 ** 25)), { code: 'ENOSPC' });
  const { stdout, stderr } = process;
  process.exitCode = await main(['queue', 'list', '--json'], { stdout, stderr, env: {}, cwd: folder });
}

/** Runs a command with an empty file system of 24 MiB in the place of `folder`. */
function onSmallDisk(folder: string, ...command: string[]) {
  const script = 'mount -t tmpfs -o size=24m none "$0" && exec "$@"';
  return spawnSync('unshare', ['-m', 'sh', '-c', script, folder, ...command], { encoding: 'utf8' });
}

if (process.argv[2] === 'child') await listOnFullDisk(process.argv[3]!);
else {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-disk-'));
  after(() => rmSync(folder, { recursive: true }));
  const mayMount = process.platform === 'linux' && onSmallDisk(folder, 'true').status === 0;
  test(
    'on a full disk the queue is listed without a word of the disk',
    { skip: mayMount ? false : 'file systems cannot be mounted here' },
    () => {
      const node = [process.execPath, '--conditions=source', '--import', 'tsx'];
      const child = onSmallDisk(folder, ...node, fileURLToPath(import.meta.url), 'child', folder);
      assert.deepEqual([child.status, child.stderr], [0, '']);
      assert.equal((JSON.parse(child.stdout) as { id: string }).id, '0A');
    },
  );
}
