/**
 * The gateway as a process: from its start to its exit code, with the signals an operator sends.
 *
 * SIGTERM and SIGINT drain (a second one ends at once), SIGHUP reloads the configuration file or says why not. Called by
 * `millrace serve`; resolves with the exit code and never rejects for anything a user can cause.
 */
import { diagnosticLine, loadConfig, type Config } from '#gateway/config';
import type { NoticeSink } from '#notices';
import { systemClock } from './clock.ts';
import { Gateway } from './gateway.ts';
import { openLog, type Log } from './log.ts';

/** Milliseconds that transactions and attempts under way may take when the process is told to end. */
const GRACE = 20_000;

/** What to run. */
export interface RunOptions {
  readonly config: Config;
  /** Where it was read from, for SIGHUP; null when it is built in. */
  readonly configFile: string | null;
}

/** Runs until a signal ends it. 0 = drained, 1 = could not start. */
export async function runGateway({ config, configFile }: RunOptions): Promise<number> {
  const log = openLog(config.log);
  const { notices } = log;
  let gateway: Gateway;
  try {
    gateway = await Gateway.start(config, { clock: systemClock, notices });
  } catch (error) {
    process.stderr.write(`error: the gateway cannot start — ${said(error)}\n`);
    return 1;
  }
  const faults = catchFaults(notices);
  const addresses = [...gateway.addresses.values()].flat();
  notices('gateway.started', { addresses, milters: config.milters.map((m) => m.name), pid: process.pid });
  // Never taken away: without a listener SIGHUP would kill the process while it drains.
  const reload = (): void => void reloadFrom(configFile, gateway, log);
  process.on('SIGHUP', reload);
  await endSignal();
  notices('gateway.draining', { graceMs: GRACE });
  // A second signal ends at once what the first one lets finish.
  void endSignal().then(() => gateway.stop(0));
  await gateway.stop(GRACE);
  notices('gateway.stopped', {});
  faults();
  return 0;
}

/** The configuration is read now and taken over behind a reload that is under way. */
async function reloadFrom(file: string | null, gateway: Gateway, log: Log): Promise<void> {
  const { notices } = log;
  const refuse = (reason: string): void =>
    notices('gateway.reload-refused', { file: file ?? 'built in', reason });
  if (!file) return refuse('there is no configuration file to read again');
  const loaded = loadConfig({ file });
  if (!loaded.ok) return refuse(loaded.errors.map((d) => diagnosticLine(d)).join('; '));
  try {
    await gateway.reload(loaded.config);
  } catch (error) {
    return refuse(said(error));
  }
  log.reconfigure(loaded.config.log);
  for (const warning of loaded.warnings)
    notices('gateway.config-warning', { file, warning: diagnosticLine(warning) });
  notices('gateway.reloaded', { file });
}

function endSignal(): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      process.off('SIGTERM', end);
      process.off('SIGINT', end);
      resolve();
    };
    process.on('SIGTERM', end);
    process.on('SIGINT', end);
  });
}

/**
 * The last net (P28): an error that nobody caught costs a log line, not the mail of everybody else. Each is a bug; tests hold
 * that there are none.
 */
function catchFaults(notices: NoticeSink): () => void {
  const note = (error: unknown): void =>
    notices('gateway.fault', { error: said(error), stack: error instanceof Error ? error.stack : undefined });
  process.on('uncaughtException', note);
  process.on('unhandledRejection', note);
  return () => {
    process.off('uncaughtException', note);
    process.off('unhandledRejection', note);
  };
}

const said = (error: unknown): string => (error instanceof Error ? error.message : String(error));
