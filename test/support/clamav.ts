/**
 * A real clamd with clamav-milter in front of it, on loopback, with a database of one signature: the EICAR test file.
 *
 * Needs Debian's clamav-daemon and clamav-milter; no virus database and no network. Ready when the milter's port accepts.
 */
import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempFolder, type Cleanup } from './folders.ts';
import { freePort } from './ports.ts';
import { launch, program, type Running } from './processes.ts';
import { account } from './rspamd.ts';
import { accepts, until } from './wait.ts';

/** The EICAR test file's text, put together at run time so that no scanner takes this repository for infected. */
export const EICAR = [
  'X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR',
  'STANDARD',
  'ANTIVIRUS',
  'TEST',
  'FILE!$H+H*',
].join('-');

/** A running pair; `socket` is the path of the unix socket, '' when none was asked for. */
export interface Clamav {
  readonly clamd: Running;
  readonly clamdPort: number;
  readonly milter: Running;
  readonly socket: string;
}

/**
 * Starts clamd and clamav-milter, the milter on this loopback port; both end with the test. With the name of a unix socket,
 * which lies in the temporary folder, a second milter listens there.
 */
export async function startClamav(cleanup: Cleanup, port: number, socketName = ''): Promise<Clamav> {
  const folder = await tempFolder(cleanup, 'millrace-clamav');
  const database = join(folder, 'db');
  const clamdPort = await freePort();
  const user = process.getuid?.() === 0 ? 'User clamav' : '';
  await mkdir(database);
  // An extended signature: name, any file type, any offset, the first bytes in hexadecimal.
  const signature = `Eicar-Millrace:0:*:${Buffer.from(EICAR.slice(0, 33), 'latin1').toString('hex')}\n`;
  await writeFile(join(database, 'test.ndb'), signature);
  await writeFile(join(folder, 'clamd.conf'), clamdConfiguration(folder, clamdPort, user));
  const socket = socketName ? join(folder, socketName) : '';
  const tcp = `inet:${port}@127.0.0.1`;
  await writeFile(join(folder, 'milter.conf'), milterConfiguration(tcp, clamdPort, user));
  await writeFile(join(folder, 'unix.conf'), milterConfiguration(`unix:${socket}`, clamdPort, user));
  if (user) {
    const { uid, gid } = await account('clamav');
    for (const owned of [folder, database]) await chown(owned, uid, gid);
  }
  const clamd = await start(cleanup, 'clamd', ['-c', join(folder, 'clamd.conf')], clamdPort);
  const milter = await start(cleanup, 'clamav-milter', ['-c', join(folder, 'milter.conf')], port);
  if (socket) await start(cleanup, 'clamav-milter', ['-c', join(folder, 'unix.conf')], socket);
  return { clamd, clamdPort, milter, socket };
}

async function start(
  cleanup: Cleanup,
  name: string,
  args: readonly string[],
  at: number | string,
): Promise<Running> {
  const daemon = launch(name, program(name) ?? name, args);
  // libmilter looks every five seconds whether it was asked to stop, and the milter has nothing to save.
  cleanup.after(() => daemon.end(name === 'clamd' ? 5000 : 0));
  await until(`${name} to listen on ${at}`, 30_000, () => {
    if (daemon.ended) throw new Error(`${name} ended:\n${daemon.output}`);
    return accepts(at);
  });
  return daemon;
}

function clamdConfiguration(folder: string, port: number, user: string): string {
  return `TCPSocket ${port}
TCPAddr 127.0.0.1
DatabaseDirectory ${folder}/db
TemporaryDirectory ${folder}
Foreground yes
${user}
SelfCheck 0
MaxThreads 10
ConcurrentDatabaseReload no
`;
}

function milterConfiguration(listen: string, clamdPort: number, user: string): string {
  return `MilterSocket ${listen}
MilterSocketMode 666
ClamdSocket tcp:127.0.0.1:${clamdPort}
Foreground yes
${user}
OnClean Accept
OnInfected Reject
OnFail Defer
AddHeader Replace
ReportHostname scanner.test
RejectMsg infected: %v
`;
}
