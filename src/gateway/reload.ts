/**
 * A configuration file read again: taken over by whoever runs the gateway, or refused with the reason in the log, which is returned
 * too (null: it is taken over). Never rejects.
 */
import { diagnosticLine, loadConfig, type Config } from '#gateway/config';
import type { Log } from './log.ts';
import { said } from './signals.ts';

/** A configuration that loaded, and the text that it was read from. */
export interface Reloaded {
  readonly config: Config;
  readonly text: string;
}

/** `take` takes it over, or rejects with why not; everything stays as it was then. */
export async function reloadFrom(
  file: string,
  log: Log,
  take: (loaded: Reloaded) => Promise<void>,
): Promise<string | null> {
  const { notices } = log;
  const refuse = (reason: string): string => {
    notices('gateway.reload-refused', { file, reason });
    return reason;
  };
  const loaded = loadConfig({ file });
  if (!loaded.ok) return refuse(loaded.errors.map((d) => diagnosticLine(d)).join('; '));
  try {
    await take(loaded);
  } catch (error) {
    return refuse(said(error));
  }
  log.reconfigure(loaded.config.log);
  for (const warning of loaded.warnings)
    notices('gateway.config-warning', { file, warning: diagnosticLine(warning) });
  notices('gateway.reloaded', { file });
  return null;
}
