/**
 * `millrace queue list`: what waits for delivery, whether the gateway runs or not.
 *
 * It only reads: beside a running gateway, in another container too, and after a crash, when it shows what the next start will
 * find. Pages through the spool, so memory stays small however long the queue is.
 */
import type { Command } from 'commander';
import { loadConfig, type Config } from '#gateway/config';
import { CATALOGUE, type NoticeKind, type NoticeSink } from '#notices';
import type { EntryState, SpoolReader } from '#spool';
import { chooseFile, loadOrSay } from './config-file.ts';
import { QUEUE_HEADING, queueLine, queueText } from './queue-entries.ts';
import { EXIT, type Terminal } from './terminal.ts';

/** Entries read at once. */
export const PAGE = 500;
const STATES = ['queued', 'leased', 'held'] as const;

interface ListOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly state?: EntryState;
}

/** Adds the command; it reports its exit code to `ends`. */
export function addQueueList(parent: Command, terminal: Terminal, ends: (code: number) => void): void {
  parent
    .command('list')
    .description('list accepted messages that wait; the table is for people, --json for machines')
    .option('-c, --config <file>', 'configuration file')
    .option('--json', 'one JSON object per message')
    .addOption(parent.createOption('--state <state>', 'only messages in this state').choices([...STATES]))
    .action(async (options: ListOptions) => {
      ends(await queueList(options, terminal));
    });
}

async function queueList(options: ListOptions, terminal: Terminal): Promise<number> {
  const config = configOf(options.config, terminal);
  if (typeof config === 'number') return config;
  if (config.spool.engine === 'memory') {
    terminal.error(
      'the memory spool can only be seen by the gateway itself',
      'spool.engine',
      'use the lmdb engine to look at the queue from outside',
    );
    return EXIT.failed;
  }
  const { dir } = config.spool;
  const { openLmdbReader, SpoolError } = await import('#spool');
  try {
    const spool = await openLmdbReader({ dir, notices: sayTo(terminal) }); // an empty one when no gateway ever ran here
    try {
      await printQueue(spool, options, terminal);
    } finally {
      await spool.close();
    }
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof SpoolError)) throw error;
    const { message, cause } = error;
    const why = cause instanceof Error ? `${message}: ${cause.message}` : message;
    terminal.error(why, dir, 'check that this user may read the files there and write to its lock file');
    return EXIT.failed;
  }
}

/** Says what the spool has to complain of. */
function sayTo(terminal: Terminal): NoticeSink {
  return (name, fields) => {
    const { level, says } = CATALOGUE[name] as NoticeKind;
    if (level === 'warn' || level === 'error') terminal.say(`${level}: ${says} ${JSON.stringify(fields)}`);
  };
}

/** Writes the entries of `spool`, oldest first, until the end or until nobody reads any more. */
export async function printQueue(
  spool: Pick<SpoolReader, 'list'>,
  options: Pick<ListOptions, 'json' | 'state'>,
  terminal: Terminal,
): Promise<void> {
  let after: string | undefined;
  let first = true;
  while (!terminal.closed) {
    const page = await spool.list({
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
      ...(options.state ? { state: options.state } : {}),
    });
    for (const entry of page) {
      if (first && !options.json) await terminal.result(QUEUE_HEADING);
      first = false;
      await terminal.result(options.json ? JSON.stringify(queueLine(entry)) : queueText(entry));
    }
    after = page.at(-1)?.id;
    if (after === undefined || page.length < PAGE) return;
  }
}

/** The named or usual configuration; the starter's when there is none, as `serve` does. */
function configOf(named: string | undefined, terminal: Terminal): Config | typeof EXIT.configuration {
  const file = chooseFile(named, terminal);
  if (file !== null) return loadOrSay(file, terminal);
  const bare = loadConfig({ text: '', name: 'defaults', base: terminal.machine.cwd }, { env: {} });
  if (!bare.ok) throw new Error('the defaults do not load');
  return bare.config;
}
