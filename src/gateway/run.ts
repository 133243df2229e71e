/**
 * The gateway as a process: from its start to its exit code, with the signals an operator sends.
 *
 * SIGTERM and SIGINT drain (a second one ends at once), SIGHUP reloads the configuration file or says why not. Called by
 * `millrace serve`; resolves with the exit code and never rejects for anything a user can cause. With several workers it is
 * workers/supervise.ts that runs, and each worker is such a process without signals of its own.
 */
import type { Config } from '#gateway/config';
import type { Attend } from './attend.ts';
import { stayAlive, systemClock } from './clock.ts';
import { Gateway } from './gateway.ts';
import { openLog } from './log.ts';
import { reloadFrom } from './reload.ts';
import { catchFaults, endSignal, said } from './signals.ts';
import { superviseWorkers } from './workers/supervise.ts';

/** What to run. */
export interface RunOptions {
  readonly config: Config;
  /** Where it was read from, for SIGHUP; null when it is built in. */
  readonly configFile: string | null;
  /** Opens the doors for operators. */
  readonly attend: Attend;
  /** The program of worker processes; it calls `work`. */
  readonly workerProgram: URL;
}

const NO_FILE = 'there is no configuration file to read again';

/** Runs until a signal ends it. 0 = drained, 1 = could not start. */
export async function runGateway(options: RunOptions): Promise<number> {
  const { config, configFile, attend, workerProgram } = options;
  if (config.workers > 1 && configFile !== null) return superviseWorkers(configFile, workerProgram);
  const log = openLog(config.log);
  let gateway: Gateway;
  // What is read now is taken over behind a reload that is under way.
  const reload = async (): Promise<string | null> => {
    const { notices } = gateway;
    if (configFile !== null)
      return reloadFrom(configFile, { ...log, notices }, ({ config: next }) => gateway.reload(next));
    notices('gateway.reload-refused', { file: 'built in', reason: NO_FILE });
    return NO_FILE;
  };
  try {
    const home = { file: configFile, reload };
    const { notices, lines } = log;
    gateway = await Gateway.start(config, { clock: systemClock, notices, lines, home });
  } catch (error) {
    process.stderr.write(`error: the gateway cannot start — ${said(error)}\n`);
    await log.close();
    return 1;
  }
  const { notices } = gateway;
  const faults = catchFaults(notices);
  const attendance = await attend(gateway.office!, config, { clock: systemClock, notices });
  const addresses = [...gateway.addresses.values()].flat();
  notices('gateway.started', { addresses, milters: config.milters.map((m) => m.name), pid: process.pid });
  // Never taken away: without a listener SIGHUP would kill the process while it drains.
  process.on('SIGHUP', () => void reload());
  await endSignal();
  // The end may wait for nothing but the clock: for a disk, say, that takes no results at the moment.
  const mayEnd = stayAlive();
  const { grace } = gateway;
  let deadline = systemClock.elapsed() + grace;
  const left = (): number => Math.max(0, deadline - systemClock.elapsed());
  notices('gateway.draining', { graceMs: grace });
  // A second signal ends at once what the first one lets finish.
  let attended = true;
  void endSignal().then(() => {
    deadline = 0;
    return attended ? gateway.drain(0) : gateway.stop(0);
  });
  await gateway.drain(left());
  await attendance.close();
  attended = false;
  await gateway.stop(left());
  notices('gateway.stopped', {});
  faults();
  mayEnd();
  await log.close();
  return 0;
}
