/**
 * `millrace queue` and `millrace quarantine`: what they are called and which options they take.
 *
 * Only the options live here; what a command does is loaded when it is asked for, so that other commands start quickly.
 */
import type { Command } from 'commander';
import type { Verb } from '#gateway';
import type { Terminal } from '../terminal.ts';

type Ends = (code: number) => void;
/** Options as commander gives them. */
export type Options = Readonly<Record<string, unknown>>;

const HELP: Readonly<Record<Verb, string>> = {
  retry: 'try to deliver now',
  hold: 'keep from being delivered',
  release: 'let held messages go, through the filters again when a filter held them',
  bounce: 'give up, with a notice to the sender',
  delete: 'give up without a word to anybody',
  redirect: 'deliver to another address',
};

/** Every `--where` adds a condition. */
export const collect = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
];

/** Adds `queue`; its commands report their exit code to `ends`. */
export function addQueue(program: Command, terminal: Terminal, ends: Ends): void {
  const queue = program.command('queue').description('accepted mail that waits for delivery');
  addReading(queue, terminal, ends);
  for (const verb of ['retry', 'hold', 'release', 'bounce', 'delete', 'redirect'] as const)
    addOrder(queue, verb, terminal, ends, false);
  addFigures(queue, terminal, ends);
  addSuspensions(queue, terminal, ends);
}

/** Adds `quarantine`: the same on held messages alone. */
export function addQuarantine(program: Command, terminal: Terminal, ends: Ends): void {
  const quarantine = program.command('quarantine').description('mail that is held');
  addHeldReading(quarantine, terminal, ends);
  addHeldWork(quarantine, terminal, ends);
  for (const verb of ['release', 'delete'] as const) addOrder(quarantine, verb, terminal, ends, true);
}

/** The options of all commands that go to a gateway. */
export function reaching(command: Command): Command {
  return command
    .option('-c, --config <file>', 'configuration file')
    .option('--url <url>', 'the HTTP API to ask (also MILLRACE_URL); its token comes from MILLRACE_TOKEN')
    .option('--token-file <file>', 'file with the token for --url');
}

function addReading(parent: Command, terminal: Terminal, ends: Ends): void {
  const list = reaching(parent.command('list'))
    .description('list messages; the table is for people, --json for machines')
    .option(
      '--where <condition>',
      'only those that match, such as rcpt_domain=example.org or age>2h',
      collect,
    )
    .option('--json', 'one JSON object per message');
  list.addOption(
    list
      .createOption('--format <format>', 'postqueue: the lines of postqueue -j')
      .choices(['table', 'json', 'postqueue']),
  );
  list.addOption(
    list
      .createOption('--state <state>', 'only messages in this state')
      .choices(['queued', 'leased', 'held', 'active', 'deferred', 'incoming']),
  );
  list.action(async (options: Options) => {
    const { runList } = await import('./run.ts');
    ends(await runList(options, terminal));
  });
  reaching(parent.command('show'))
    .description('show one message')
    .argument('<id>', 'queue id')
    .option('--headers', 'its header, as it will be sent')
    .option('--body', 'the whole message, as it will be sent')
    .option('--json', 'one JSON object')
    .action(async (id: string, options: Options) => {
      const { runShow } = await import('./run.ts');
      ends(await runShow(id, options, terminal));
    });
}

function addHeldReading(quarantine: Command, terminal: Terminal, ends: Ends): void {
  reaching(quarantine.command('list'))
    .description('list held mail, oldest first; the table is for people, --json for machines')
    .option('--where <condition>', 'only those that match, such as held_by=rspamd or age>2h', collect)
    .option('--json', 'one JSON object per message')
    .action(async (options: Options) => {
      const { runHeldList } = await import('./run-held.ts');
      ends(await runHeldList(options, terminal));
    });
  reaching(quarantine.command('show'))
    .description('show one message, and who did what to it; also one that is gone')
    .argument('<id>', 'queue id')
    .option('--preview', 'its header and text, decoded')
    .option('--headers', 'its header, as it is')
    .option('--body', 'the whole message, as it is')
    .option('--json', 'one JSON object')
    .action(async (id: string, options: Options) => {
      const { runHeldShow } = await import('./run-held.ts');
      ends(await runHeldShow(id, options, terminal));
    });
  reaching(quarantine.command('export'))
    .description('the whole message, as it is, for a file')
    .argument('<id>', 'queue id')
    .action(async (id: string, options: Options) => {
      const { runHeldShow } = await import('./run-held.ts');
      ends(await runHeldShow(id, { ...options, body: true }, terminal));
    });
}

function addHeldWork(quarantine: Command, terminal: Terminal, ends: Ends): void {
  reaching(quarantine.command('rescan'))
    .description('tell what the filters would say now')
    .argument('<ids...>', 'queue ids')
    .option('--skip <filter>', 'ask all filters but this one; may be given again', collect)
    .option('--release', 'and let go what they let pass')
    .option('--json', 'one JSON object per message')
    .action(async (ids: readonly string[], options: Options) => {
      const { runRescan } = await import('./run-held.ts');
      ends(await runRescan(ids, options, terminal));
    });
  reaching(quarantine.command('note'))
    .description('write a note beside a held message; an empty one takes it away')
    .argument('<id>', 'queue id')
    .argument('<text>', 'up to 1000 characters')
    .action(async (id: string, text: string, options: Options) => {
      const { runNote } = await import('./run-held.ts');
      ends(await runNote(id, text, options, terminal));
    });
}

function addOrder(parent: Command, verb: Verb, terminal: Terminal, ends: Ends, held: boolean): void {
  const command = reaching(parent.command(verb))
    .description(HELP[verb])
    .argument('[ids...]', 'queue ids')
    .option('--where <condition>', 'all that match', collect)
    .option('--all', held ? 'all that are held' : 'all there are')
    .option('--dry-run', 'tell what would be done')
    .option('--json', 'one JSON object per message')
    .option('-y, --yes', 'do not ask');
  if (['hold', 'bounce', 'delete'].includes(verb)) command.option('--reason <text>', 'why, in a few words');
  if (['release', 'bounce', 'redirect'].includes(verb))
    command.option('--rcpt <address>', 'only this recipient; may be given again', collect);
  if (verb === 'redirect') command.requiredOption('--to <address>', 'the new recipient');
  if (verb === 'release')
    command
      .option('--again', 'ask all filters again, whoever held it')
      .option('--skip <filter>', 'ask all filters but this one; may be given again', collect)
      .option('--skip-all', 'ask no filter again');
  command.action(async (ids: readonly string[], options: Options) => {
    const { runOrder } = await import('./run.ts');
    ends(await runOrder(verb, ids, options, held, terminal));
  });
}

function addFigures(queue: Command, terminal: Terminal, ends: Ends): void {
  const shape = reaching(queue.command('shape'))
    .description('waiting recipients by domain and age in minutes, as qshape shows them')
    .option('--where <condition>', 'only those that match', collect)
    .option('--limit <n>', 'so many domains', '20')
    .option('--json', 'one JSON object per domain, the total first');
  shape
    .addOption(shape.createOption('--by <key>', 'what is counted').choices(['rcpt_domain', 'sender_domain']))
    .action(async (options: Options) => {
      const { runShape } = await import('./run.ts');
      ends(await runShape(options, terminal));
    });
  reaching(queue.command('stats'))
    .description('how much there is')
    .option('--where <condition>', 'only those that match', collect)
    .option('--json', 'one JSON object')
    .action(async (options: Options) => {
      const { runStats } = await import('./run.ts');
      ends(await runStats(options, terminal));
    });
}

function addSuspensions(queue: Command, terminal: Terminal, ends: Ends): void {
  reaching(queue.command('suspend'))
    .description('take a domain or a destination out of delivery')
    .argument('<name>', 'a domain of recipients, or a destination as the log names it: smtp:10.0.0.5:25')
    .requiredOption('--reason <text>', 'why, in a few words')
    .option('--for <duration>', 'how long: 30m, 2h, 1d (default: until it is resumed)')
    .option('--json', 'one JSON object')
    .action(async (name: string, options: Options) => {
      const { runSuspend } = await import('./run.ts');
      ends(await runSuspend(name, options, terminal));
    });
  reaching(queue.command('resume'))
    .description('give a suspended domain or destination back')
    .argument('<name>', 'as it was suspended')
    .action(async (name: string, options: Options) => {
      const { runResume } = await import('./run.ts');
      ends(await runResume(name, options, terminal));
    });
  reaching(queue.command('suspended'))
    .description('what is taken out of delivery')
    .option('--json', 'one JSON object per suspension')
    .action(async (options: Options) => {
      const { runSuspended } = await import('./run.ts');
      ends(await runSuspended(options, terminal));
    });
}
