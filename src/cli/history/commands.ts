/** `millrace history`: what its commands are called and which options they take. What they do is loaded when it is asked for. */
import type { Command } from 'commander';
import { collect, reaching, type Options } from '../queue/commands.ts';
import type { Terminal } from '../terminal.ts';

type Ends = (code: number) => void;

/** Adds `history`. */
export function addHistory(program: Command, terminal: Terminal, ends: Ends): void {
  const history = program
    .command('history')
    .description('messages that came, with what the filters said and what became of them');
  reaching(history.command('list'))
    .description('list messages, newest first; the table is for people, --json for machines')
    .option(
      '--where <condition>',
      'only those that match, such as rcpt=*@example.org, since=2h or slower=500ms',
      collect,
    )
    .option('--limit <n>', 'so many', '50')
    .option('--json', 'one JSON object per message')
    .action(async (options: Options) => {
      const { runHistoryList } = await import('./list.ts');
      ends(await runHistoryList(options, terminal));
    });
  reaching(history.command('show'))
    .description('show one message')
    .argument('<id>', 'queue id')
    .option('--diff', 'what the filters changed, field by field and line by line')
    .option('--json', 'one JSON object')
    .action(async (id: string, options: Options) => {
      const { runHistoryShow } = await import('./show.ts');
      ends(await runHistoryShow(id, options, terminal));
    });
}
