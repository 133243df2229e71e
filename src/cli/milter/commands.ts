/** `millrace milter …`: the commands and their options; what they do is loaded only when one of them runs. */
import { Option, type Command } from 'commander';
import type { Terminal } from '../terminal.ts';

type Ends = (code: number) => void;
type Options = Readonly<Record<string, unknown>>;

/** Adds `milter`. */
export function addMilter(program: Command, terminal: Terminal, ends: Ends): void {
  const milter = program.command('milter').description('the filters');
  addCheck(milter, terminal, ends);
  reaching(milter.command('list'))
    .description('state, waits and errors of every filter of a running gateway; the table is for people')
    .option('--json', 'one JSON object per filter')
    .action(async (options: Options) => {
      const { runList } = await import('./orders.ts');
      ends(await runList(options, terminal));
    });
  reaching(milter.command('pause'))
    .description('take a filter out: it is not asked, and mail passes without it')
    .argument('<name>', 'name of the filter')
    .requiredOption('--reason <text>', 'why, in a few words')
    .option('--for <duration>', 'how long: 10m, 2h (default: until it is resumed)')
    .option('--json', 'one JSON object')
    .action(async (name: string, options: Options) => {
      const { runPause } = await import('./orders.ts');
      ends(await runPause(name, options, terminal));
    });
  for (const [verb, tells] of [
    ['resume', 'give a filter back that was taken out'],
    ['reset', 'close kept connections and forget failures: the filter is tried at once'],
  ] as const)
    reaching(milter.command(verb))
      .description(tells)
      .argument('<name>', 'name of the filter')
      .option('--json', 'one JSON object')
      .action(async (name: string, options: Options) => {
        const { runVerb } = await import('./orders.ts');
        ends(await runVerb(verb, name, options, terminal));
      });
}

function reaching(command: Command): Command {
  return command
    .option('-c, --config <file>', 'configuration file')
    .option('--url <url>', 'the HTTP API to ask (also MILLRACE_URL); its token comes from MILLRACE_TOKEN')
    .option('--token-file <file>', 'file with the token for --url');
}

function addCheck(milter: Command, terminal: Terminal, ends: Ends): void {
  milter
    .command('check')
    .description('test the connection to a filter step by step; needs no running gateway')
    .argument(
      '[target]',
      'inet:PORT@HOST, HOST:PORT, unix:/PATH, local:/PATH, or the name of a configured filter',
    )
    .option('--all', 'every configured filter')
    .addOption(
      new Option('--probe <message>', 'show it a message as well')
        .choices(['none', 'clean', 'gtube', 'eicar'])
        .default('none'),
    )
    .option('--tls', 'the target speaks TLS')
    .option('--allow-invalid-certs', 'take any certificate')
    .option('-c, --config <file>', 'configuration file')
    .option('--json', 'one JSON object per filter')
    .action(async (target: string | undefined, options: Options) => {
      const { runCheck } = await import('./check.ts');
      ends(await runCheck(target, options, terminal));
    });
}
