/** Signals and the last net of a gateway's process. Nothing here throws. */
import type { NoticeSink } from '#notices';

/** Resolves at the next SIGTERM or SIGINT. */
export function endSignal(): Promise<void> {
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
 * that there are none. Returns what takes the net away.
 */
export function catchFaults(notices: NoticeSink): () => void {
  const note = (error: unknown): void =>
    notices('gateway.fault', { error: said(error), stack: error instanceof Error ? error.stack : undefined });
  process.on('uncaughtException', note);
  process.on('unhandledRejection', note);
  return () => {
    process.off('uncaughtException', note);
    process.off('unhandledRejection', note);
  };
}

/** An error's message. */
export const said = (error: unknown): string => (error instanceof Error ? error.message : String(error));
