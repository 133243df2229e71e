/** `millrace trace`: what its commands are called and which options they take. What they do is loaded when it is asked for. */
import type { Command } from 'commander';
import { reaching, type Options } from '../queue/commands.ts';
import type { Terminal } from '../terminal.ts';

type Ends = (code: number) => void;

/** Adds `trace`; alone it shows conversations as they happen. */
export function addTrace(program: Command, terminal: Terminal, ends: Ends): void {
  const trace = conditions(reaching(program.command('trace')))
    .description(
      'conversations with clients and filters, packet by packet; alone: live, until it is interrupted',
    )
    .option('--only-one', 'end after the first conversation')
    .option('--only-new', 'only conversations that begin from now on')
    .option('--terse', 'one line for each part of a conversation, no packets')
    .option('--hex', 'the bytes of every packet too')
    .option('--json', 'one JSON object per packet (with --terse: per part)')
    .action(async (options: Options) => {
      const { runLive } = await import('./live.ts');
      ends(await runLive(options, terminal));
    });
  conditions(trace.command('list'))
    .description('conversations that are kept, newest first')
    .option('--limit <n>', 'so many', '50')
    .option('--json', 'one JSON object per part')
    .action(async (_: Options, command: Command) => {
      const { runTraceList } = await import('./list.ts');
      ends(await runTraceList(command.optsWithGlobals(), terminal));
    });
  trace
    .command('show')
    .description('one conversation')
    .argument('<id>', 'session, or the queue id of a message in it')
    .option('--packets', 'its packets')
    .option('--hex', 'and their bytes')
    .option('--json', 'one JSON object per part, or per packet')
    .action(async (id: string, _: Options, command: Command) => {
      const { runTraceShow } = await import('./show.ts');
      ends(await runTraceShow(id, command.optsWithGlobals(), terminal));
    });
  const copy = trace.command('export').argument('<id>', 'session, or the queue id of a message in it');
  copy
    .description('a copy to take away: json, pcapng (for Wireshark), test (for the filter SDK)')
    .addOption(
      copy.createOption('--format <format>', 'which').choices(['json', 'pcapng', 'test']).default('json'),
    )
    .action(async (id: string, _: Options, command: Command) => {
      const { runTraceExport } = await import('./export.ts');
      ends(await runTraceExport(id, command.optsWithGlobals(), terminal));
    });
}

function conditions(command: Command): Command {
  return command
    .option('--milter <name>', 'only those that spoke with this filter')
    .option('--ip <address>', 'only this client, or a network such as 192.0.2.0/24')
    .option('--rcpt <address>', 'only to this recipient; * stands for anything')
    .option('--from <address>', 'only from this sender; * stands for anything')
    .option('--errors', 'only those with an error or a refusal')
    .option('--slow <duration>', 'only those that took at least so long, such as 500ms');
}
