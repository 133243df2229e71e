/**
 * A private Postfix on loopback, beside any other: its own configuration, queue and data folders. The bench's peer, and the
 * control group of tests that must be able to succeed with an MTA that is known to be good.
 *
 * Needs Debian's postfix and root (Postfix's master insists). Delivers everything to one next hop, retries nothing soon.
 */
import { chown, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Cleanup } from './folders.ts';
import { run } from './processes.ts';
import { account } from './rspamd.ts';
import { greets, until } from './wait.ts';

/** What the instance listens on and where it delivers. */
export interface PostfixOptions {
  /** An existing folder on the disk that is to be measured; queue and configuration go below it. */
  readonly folder: string;
  readonly nextHopPort: number;
  /** One listener per element, each with its milters in order, by loopback port. */
  readonly listeners: readonly { readonly port: number; readonly milterPorts: readonly number[] }[];
  /** More lines of main.cf; they win over the ones below. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Wraps the start command, for example to put it into a cgroup. */
  readonly wrap?: (command: readonly string[]) => readonly string[];
}

/** A running instance. */
export interface Postfix {
  readonly masterPid: number;
  /** Number of the process group that master leads now, in which all its daemons are. */
  group(): Promise<number>;
  /** Complete messages in incoming, active and deferred. */
  queued(): Promise<number>;
  /** Has everything that was put off tried now. */
  flush(): Promise<void>;
  /** Complete messages that are held. */
  held(): Promise<number>;
  /** SIGKILL to master and everything it started; resolves when master is gone. */
  kill(): Promise<void>;
  /** Starts it after a kill; milliseconds until the first listener greets. */
  again(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts an instance and waits until every listener greets. It ends with the test. */
export async function startPostfix(cleanup: Cleanup, options: PostfixOptions): Promise<Postfix> {
  if (process.getuid?.() !== 0) throw new Error('Postfix can only be started by root');
  const { folder } = options;
  const [etc, data, queue] = [join(folder, 'etc'), join(folder, 'data'), join(folder, 'spool')];
  for (const path of [etc, data, queue]) await mkdir(path, { recursive: true, mode: 0o755 });
  const { uid, gid } = await account('postfix');
  // Programs that run before its log daemon is up write the log themselves, as the mail owner.
  await writeFile(join(folder, 'mail.log'), '');
  for (const owned of [data, join(folder, 'mail.log')]) await chown(owned, uid, gid);
  await writeFile(join(etc, 'main.cf'), mainCf(folder, options.nextHopPort, options.settings));
  await writeFile(join(etc, 'master.cf'), masterCf(options));
  const command = ['postfix', '-c', etc, 'start'];
  const [program = '', ...args] = options.wrap ? options.wrap(command) : command;
  const start = async (): Promise<number> => {
    const began = performance.now();
    const { code, output } = await run('postfix start', program, args);
    if (code !== 0) throw new Error(`postfix did not start: ${output}`);
    for (const { port } of options.listeners) {
      await until(`postfix to greet on ${port}`, 15_000, () => greets(port), 50);
    }
    return performance.now() - began;
  };
  const gone = (): Promise<unknown> =>
    until('postfix to be gone', 15_000, async () => !(await masterRuns(queue)));
  const stop = async (): Promise<void> => {
    if (!(await masterRuns(queue))) return;
    const asked = await run('postfix stop', 'postfix', ['-c', etc, 'stop']);
    if (asked.code !== 0 && (await masterRuns(queue))) process.kill(await masterPid(queue), 'SIGTERM');
    await gone();
  };
  cleanup.after(stop);
  await start();
  return {
    masterPid: await masterPid(queue),
    group: () => masterPid(queue),
    queued: () => queued(queue, ['incoming', 'active', 'deferred']),
    async flush() {
      const { code, output } = await run('postqueue', 'postqueue', ['-c', etc, '-f']);
      if (code !== 0) throw new Error(`postqueue -f: ${output}`);
    },
    held: () => queued(queue, ['hold']),
    async kill() {
      // Master leads a process group of its own, in which all its daemons are.
      process.kill(-(await masterPid(queue)), 'SIGKILL');
      await gone();
    },
    again: start,
    stop,
  };
}

async function masterPid(queue: string): Promise<number> {
  return Number((await readFile(join(queue, 'pid/master.pid'), 'latin1')).trim());
}

async function masterRuns(queue: string): Promise<boolean> {
  try {
    process.kill(await masterPid(queue), 0);
    return true;
  } catch {
    return false;
  }
}

/** Complete queue files only: Postfix sets the execute bit when a file is whole, and leaves torn ones lying for a day. */
async function queued(queue: string, states: readonly string[]): Promise<number> {
  let count = 0;
  for (const state of states) {
    const entries = await readdir(join(queue, state), { recursive: true, withFileTypes: true }).catch(
      () => [],
    );
    for (const entry of entries) {
      if (!entry.isFile()) continue;
      const file = await stat(join(entry.parentPath ?? entry.path, entry.name)).catch(() => null);
      if (file && (file.mode & 0o100) !== 0) count += 1;
    }
  }
  return count;
}

/** Defaults, but for what a load from one loopback address needs and for folders of its own. */
function mainCf(
  folder: string,
  nextHopPort: number,
  settings: Readonly<Record<string, string>> = {},
): string {
  const lines = mainCfLines(folder, nextHopPort)
    .split('\n')
    .filter((line) => !((line.split(' =', 1)[0] ?? '') in settings));
  for (const [name, value] of Object.entries(settings)) lines.push(`${name} = ${value}`);
  return lines.join('\n') + '\n';
}

function mainCfLines(folder: string, nextHopPort: number): string {
  return `compatibility_level = 3.6
queue_directory = ${folder}/spool
data_directory = ${folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = postfix.load.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
default_transport = relay:[127.0.0.1]:${nextHopPort}
relay_transport = relay:[127.0.0.1]:${nextHopPort}
relay_domains = sink.test
alias_maps =
local_recipient_maps =
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_peername_lookup = no
default_process_limit = 150
in_flow_delay = 0s
smtp_dns_support_level = disabled
smtp_host_lookup = native
message_size_limit = 104857600
mailbox_size_limit = 0
qmgr_message_active_limit = 20000
milter_default_action = tempfail
maillog_file = ${folder}/mail.log
maillog_file_prefixes = ${folder}
import_environment = MAIL_CONFIG
`;
}

function masterCf(options: PostfixOptions): string {
  const listeners = options.listeners.map(({ port, milterPorts }) => {
    const milters = milterPorts.map((p) => `inet:127.0.0.1:${p}`).join(',');
    return `127.0.0.1:${port} inet n - n - - smtpd${milters ? `\n  -o smtpd_milters=${milters}` : ''}`;
  });
  return `${listeners.join('\n')}
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`;
}
