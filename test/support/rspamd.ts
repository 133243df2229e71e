/**
 * A real Rspamd as a milter, with a configuration that includes nothing of the system's: no network, no Redis, no maps.
 *
 * Needs Debian's rspamd. The first start compiles regular expressions for some 15 seconds; the result is kept in a cache
 * folder outside the test's folder, so that later starts take about a second. It is ready when its port accepts.
 */
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { tempFolder, type Cleanup } from './folders.ts';
import { launch, program, run, type Running } from './processes.ts';
import { accepts, until } from './wait.ts';

/** GTUBE, the text that every spam filter must reject, put together so that this file is not taken for spam itself. */
export const GTUBE = ['XJS*C4JDBQADN1.NSBN3*2IDNEN', 'GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL', 'C.34X'].join('*');

/** More than a port. */
export interface RspamdOptions {
  /** A unix socket to listen on as well; it lies in the temporary folder, given as its name. */
  readonly socket?: string;
  /** A loopback port for its web interface, its controller worker. */
  readonly controller?: number;
  /** Rules in Lua, loaded after the packaged ones. */
  readonly lua?: string;
}

/** A running Rspamd; `socket` is the path of the unix socket, '' when none was asked for. */
export interface Rspamd {
  readonly process: Running;
  readonly socket: string;
}

/** Starts Rspamd as a milter on this loopback port; it ends with the test. */
export async function startRspamd(
  cleanup: Cleanup,
  port: number,
  options: RspamdOptions = {},
): Promise<Rspamd> {
  const folder = await tempFolder(cleanup, 'millrace-rspamd');
  const cache = await cacheFolder();
  const asRoot = process.getuid?.() === 0;
  if (asRoot) {
    const { uid, gid } = await account('_rspamd');
    for (const owned of [folder, cache]) await chown(owned, uid, gid);
  }
  const file = join(folder, 'rspamd.conf');
  const socket = options.socket ? join(folder, options.socket) : '';
  const rules = join(folder, 'rules.lua');
  await writeFile(rules, `dofile('/usr/share/rspamd/rules/rspamd.lua')\n${options.lua ?? ''}`);
  await writeFile(
    file,
    configuration(folder, cache, rules, [`127.0.0.1:${port}`, ...(socket ? [socket] : [])]) +
      controllerOf(options.controller),
  );
  const user = asRoot ? ['-u', '_rspamd', '-g', '_rspamd'] : [];
  const rspamd = launch('rspamd', program('rspamd') ?? 'rspamd', ['-f', ...user, '-c', file]);
  cleanup.after(() => rspamd.end());
  for (const at of [port, ...(options.controller === undefined ? [] : [options.controller])])
    await until(`rspamd to listen on ${at}`, 60_000, () => {
      if (rspamd.ended) throw new Error(`rspamd ended:\n${rspamd.output}`);
      return accepts(at);
    });
  return { process: rspamd, socket };
}

/** Numbers of a system account. */
export async function account(name: string): Promise<{ readonly uid: number; readonly gid: number }> {
  const { output } = await run('getent', 'getent', ['passwd', name]);
  const [, , uid, gid] = output.split(':');
  if (!uid || !gid) throw new Error(`no account ${name} on this system`);
  return { uid: Number(uid), gid: Number(gid) };
}

async function cacheFolder(): Promise<string> {
  const base = process.getuid?.() === 0 ? '/var/cache' : join(homedir(), '.cache');
  const folder = join(base, 'millrace-tests', 'rspamd');
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
  return folder;
}

function controllerOf(port: number | undefined): string {
  if (port === undefined) return '';
  return `worker { type = "controller"; bind_socket = "127.0.0.1:${port}"; count = 1; secure_ip = "127.0.0.1"; }\n`;
}

function configuration(folder: string, cache: string, rules: string, listen: readonly string[]): string {
  const sockets = listen.map((at) => (at.startsWith('/') ? `"${at} mode=0666"` : `"${at}"`)).join(', ');
  return `
options {
  pidfile = "${folder}/rspamd.pid";
  filters = "chartable,dkim,regexp";
  dns { nameserver = "127.0.0.1:9"; timeout = 0.05s; retransmits = 1; }
  tempdir = "${folder}"; hs_cache_dir = "${cache}"; cores_dir = "${folder}"; rrd = "";
  history_rows = 200; neighbours { }
  allow_raw_input = true; disable_monitoring = true;
}
logging { type = "console"; level = "notice"; }
lua = "${rules}";
modules { path = "/usr/share/rspamd/plugins/"; path = "/usr/share/rspamd/lualib/"; }
metric { name = "default"; actions { reject = 15; add_header = 6; greylist = null; } symbol { name = "GTUBE"; score = 0; } }
worker {
  type = "rspamd_proxy"; bind_socket = [ ${sockets} ]; count = 1;
  milter = yes; timeout = 30s; discard_on_reject = false; quarantine_on_reject = false;
  upstream "local" { default = yes; self_scan = yes; }
}
milter_headers {
  use = ["x-spamd-result", "x-rspamd-server", "x-rspamd-queue-id"];
  skip_local = false; skip_authenticated = false; extended_spam_headers = true;
}
multimap { enabled = false; } rbl { enabled = false; } fuzzy_check { enabled = false; }
`;
}
