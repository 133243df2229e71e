/** What the SDK tells the author's log. Plain values; nothing here fails. */

/** One thing worth knowing. */
export interface LogEntry {
  readonly level: 'info' | 'warn' | 'error';
  /**
   * Stable name: `handler.failed`, `handler.cancelled`, `observer.failed`, `connection.refused`, `connection.broken`,
   * `connection.silent`, `serve.listening`, `serve.failed`.
   */
  readonly event: string;
  readonly filter: string;
  /** One sentence. */
  readonly says: string;
  readonly handler?: string;
  readonly queueId?: string;
  /** What was thrown, with its stack. */
  readonly error?: unknown;
}

/** Hears of it. Called synchronously; must not throw. */
export type Log = (entry: LogEntry) => void;

/** One line of JSON per entry on standard error, the stack included. */
export const logToStderr: Log = (entry) => {
  const { error, ...rest } = entry;
  const stack = error instanceof Error ? { stack: error.stack } : {};
  process.stderr.write(JSON.stringify({ time: new Date().toISOString(), ...rest, ...stack }) + '\n');
};
