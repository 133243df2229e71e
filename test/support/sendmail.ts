/**
 * A private Sendmail 8.17 on loopback. Debian's package excludes Postfix, so it is unpacked, not installed
 * (scripts/debian-packages.sh), and runs from there with a configuration, a queue and a host name of its own.
 *
 * Needs root, for the host name of a namespace of its own: without a qualified one it waits a minute. Delivers everything to one
 * next hop. It ends with the test.
 */
import { chmod, copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Cleanup } from './folders.ts';
import { launch, run } from './processes.ts';
import { greets, until } from './wait.ts';

/** Where the packages are unpacked. */
const UNPACKED = '/var/lib/millrace-tests/sendmail';

/** For node:test's `skip`: see skipWithout. */
export function skipWithoutSendmail(): string | false {
  if (existsSync(join(UNPACKED, 'usr/libexec/sendmail/sendmail')) || process.env['CI'] === 'true')
    return false;
  return 'not unpacked: sendmail-bin, sendmail-cf (scripts/debian-packages.sh as root unpacks them)';
}

/** What it is to be. */
export interface SendmailOptions {
  readonly hostname: string;
  readonly port: number;
  readonly nextHopPort: number;
  /** A folder of the caller's in which nobody else may write, for the milter's unix socket: see sendmailFolder. */
  readonly folder: string;
  readonly milter: string;
  readonly maxMessageSize: number;
  /** A domain whose recipients are refused with 554 5.7.1. */
  readonly refused: string;
}

/** A running instance. */
export interface Sendmail {
  /** Messages in the queue, those that are quarantined left out. */
  queued(): Promise<number>;
  /** Messages that are quarantined. */
  held(): Promise<number>;
}

/** Sendmail refuses milter sockets below a folder that everybody may write, as the usual temporary folder is. */
export async function sendmailFolder(cleanup: Cleanup): Promise<string> {
  const folder = await mkdtemp('/run/millrace-sendmail-');
  await chmod(folder, 0o755);
  cleanup.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  return folder;
}

/** Starts it and waits until it greets. */
export async function startSendmail(cleanup: Cleanup, options: SendmailOptions): Promise<Sendmail> {
  const { folder, hostname, port } = options;
  const [queue, config] = [join(folder, 'queue'), join(folder, 'sendmail.cf')];
  const program = join(folder, 'sendmail');
  await mkdir(queue, { mode: 0o700 });
  await writeFile(join(folder, 'aliases'), '');
  // A copy of the program is not set-group-id.
  await copyFile(join(UNPACKED, 'usr/libexec/sendmail/sendmail'), program);
  await chmod(program, 0o755);
  const cf = join(UNPACKED, 'usr/share/sendmail/cf/');
  await writeFile(join(folder, 'sendmail.mc'), macros(options, queue));
  const m4 = ['-I', cf, `-D_CF_DIR_=${cf}`, join(cf, 'm4/cf.m4'), join(folder, 'sendmail.mc')];
  const made = await run('m4', 'm4', m4);
  if (made.code !== 0) throw new Error(`m4 made no configuration: ${made.output}`);
  await writeFile(config, made.output);
  const command = `hostname ${hostname}; exec ${program} -bD -C ${config}`;
  const daemon = launch('sendmail', 'unshare', ['--uts', 'sh', '-c', command]);
  cleanup.after(() => daemon.end());
  await until(`sendmail to greet on ${port}`, 15_000, () => {
    if (daemon.ended) throw new Error(`sendmail ended: ${daemon.output}`);
    return greets(port);
  });
  const count = async (...kinds: string[]): Promise<number> =>
    (await readdir(queue)).filter((name) => kinds.includes(name.slice(0, 2))).length;
  return { queued: () => count('qf', 'tf', 'xf'), held: () => count('hf') };
}

function macros(o: SendmailOptions, queue: string): string {
  const define = (name: string, value: string): string => `define(\`${name}', \`${value}')dnl`;
  return [
    'divert(0)dnl',
    "OSTYPE(`linux')dnl",
    define('ALIAS_FILE', join(o.folder, 'aliases')),
    define('STATUS_FILE', join(o.folder, 'statistics')),
    define('QUEUE_DIR', queue),
    define('confPID_FILE', join(o.folder, 'pid')),
    define('confDOMAIN_NAME', o.hostname),
    define('confCW_FILE', '-o /nonexistent'),
    define('confDONT_PROBE_INTERFACES', 'true'),
    define('confTO_IDENT', '0s'),
    define('confMAX_MESSAGE_SIZE', String(o.maxMessageSize)),
    // A busy machine is no reason to refuse connections or to queue without delivering.
    ...['QUEUE', 'REFUSE', 'DELAY'].map((what) => define(`conf${what}_LA`, '10000')),
    define('SMART_HOST', 'esmtp:[127.0.0.1]'),
    define('ESMTP_MAILER_ARGS', `TCP $h ${o.nextHopPort}`),
    ...['nocanonify', 'accept_unresolvable_domains', 'accept_unqualified_senders', 'no_default_msa'].map(
      (feature) => `FEATURE(\`${feature}')dnl`,
    ),
    `DAEMON_OPTIONS(\`Port=${o.port}, Addr=127.0.0.1, Name=smtp, Listen=256')dnl`,
    `INPUT_MAIL_FILTER(\`filter', \`S=local:${o.milter}, F=T, T=C:5s;S:10s;R:10s;E:1m')dnl`,
    "MAILER(`local')dnl",
    "MAILER(`smtp')dnl",
    'LOCAL_RULESETS',
    'SLocal_check_rcpt',
    'R$*\t$: $>canonify $1',
    `R$* < @ ${o.refused}. > $*\t$#error $@ 5.7.1 $: "554 5.7.1 Relay access denied"`,
    `R$* < @ ${o.refused} > $*\t$#error $@ 5.7.1 $: "554 5.7.1 Relay access denied"`,
    '',
  ].join('\n');
}
