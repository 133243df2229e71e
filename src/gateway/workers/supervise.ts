/**
 * The gateway as several processes: the supervisor's, which starts the workers and passes on what the operator wants.
 *
 * SIGTERM and SIGINT drain all workers (a second one ends them at once), SIGHUP gives all of them the new configuration or
 * says why not. Counterpart of run.ts; resolves with the exit code and never rejects for anything a user can cause.
 */
import { dirname, resolve } from 'node:path';
import { diagnosticLine, loadConfig } from '#gateway/config';
import { systemClock } from '../clock.ts';
import { openLog, type Log } from '../log.ts';
import { openOutput } from '../log-output.ts';
import { Metrics } from '../metrics/index.ts';
import { reloadFrom } from '../reload.ts';
import { catchFaults, endSignal, said } from '../signals.ts';
import { Crew } from './crew.ts';
import type { ConfigText } from './messages.ts';

/** Runs the workers that the file asks for until a signal ends them. 0 = drained, 1 = could not start. */
export async function superviseWorkers(file: string, program: URL): Promise<number> {
  const loaded = loadConfig({ file });
  if (!loaded.ok) return cannotStart(loaded.errors.map((d) => diagnosticLine(d)).join('; '));
  const { config, text } = loaded;
  const output = openOutput();
  const opened = openLog(config.log, undefined, output);
  const metrics = new Metrics({ ...opened, clock: systemClock });
  const { notices } = metrics;
  const log = { ...opened, notices };
  let { drain } = config;
  // The configuration is read and checked here, once; the workers get its text.
  const reread = (): Promise<string | null> =>
    reloadFrom(file, log, async (loaded) => {
      await crew.reload(configText(file, loaded.text));
      ({ drain } = loaded.config);
    });
  const crew: Crew = new Crew({
    program,
    workers: config.workers,
    config: configText(file, text),
    clock: systemClock,
    notices,
    output,
    own: () => metrics.snapshot(),
    reread,
  });
  // Never taken away: without a listener SIGHUP would kill the process while it drains.
  process.on('SIGHUP', () => void reread());
  // Neither a signal that may come nor a worker that waits to be replaced would.
  const alive = setInterval(() => undefined, 2 ** 30);
  let ending = false;
  const end = endSignal().then(() => (ending = true));
  const start = crew.start();
  const stopped = end.then(() => stop(crew, drain, log));
  try {
    const addresses = await start;
    const milters = config.milters.map((m) => m.name);
    notices('gateway.started', { addresses, milters, pid: process.pid, workers: crew.pids.map(String) });
  } catch (error) {
    if (!ending) {
      clearInterval(alive);
      await metrics.stop();
      return cannotStart(said(error));
    }
  }
  const faults = catchFaults(notices);
  await stopped;
  clearInterval(alive);
  faults();
  await metrics.stop();
  await log.close();
  return 0;
}

async function stop(crew: Crew, drain: number, { notices }: Log): Promise<void> {
  notices('gateway.draining', { graceMs: drain });
  // A second signal ends at once what the first one lets finish.
  void endSignal().then(() => crew.stop(0));
  await crew.stop(drain);
  notices('gateway.stopped', {});
}

function cannotStart(why: string): number {
  process.stderr.write(`error: the gateway cannot start — ${why}\n`);
  return 1;
}

function configText(file: string, text: string): ConfigText {
  return { file, base: dirname(resolve(file)), text };
}
