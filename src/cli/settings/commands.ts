/**
 * `millrace config show | diff | reload | history | rollback`, `millrace support` and `millrace token`: what they are called and which options they take.
 *
 * Only the options live here; what a command does is loaded when it is asked for.
 */
import { Argument, type Command } from 'commander';
import type { ReachOptions } from '../queue/reach.ts';
import type { Terminal } from '../terminal.ts';

type Ends = (code: number) => void;
type Reaching = ReachOptions & { readonly json?: boolean };

/** Adds what `config` can besides `check`; its commands report their exit code to `ends`. */
export function addConfig(config: Command, terminal: Terminal, ends: Ends): void {
  config
    .command('show')
    .description('every setting in force, as YAML, secrets hidden')
    .option('-c, --config <file>', 'configuration file')
    .option('--non-default', 'only what is written in the file')
    .action(async (options: { config?: string; nonDefault?: boolean }) => {
      const { runShow } = await import('./show.ts');
      ends(await runShow(options, terminal));
    });
  config
    .command('diff')
    .description('what the configuration of the running gateway would change to with this file')
    .argument('<file>', 'the new configuration')
    .option('-c, --config <file>', 'configuration file of the gateway')
    .option('--url <url>', 'the HTTP API to ask (also MILLRACE_URL); its token comes from MILLRACE_TOKEN')
    .option('--token-file <file>', 'file with the token for --url')
    .action(async (file: string, options: Reaching) => {
      const { runDiff } = await import('./run.ts');
      ends(await runDiff(file, options, terminal));
    });
  reaching(config.command('reload'))
    .description('let the running gateway read its file again')
    .action(async (options: Reaching) => {
      const { runReload } = await import('./run.ts');
      ends(await runReload(options, terminal));
    });
  reaching(config.command('history'))
    .description('configurations that were in force, the newest first')
    .option('--json', 'one JSON object per configuration')
    .action(async (options: Reaching) => {
      const { runHistory } = await import('./run.ts');
      ends(await runHistory(options, terminal));
    });
  reaching(config.command('rollback'))
    .description('go back to a configuration that was in force')
    .argument('<revision>', 'its revision, or the first six characters or more of it')
    .action(async (revision: string, options: Reaching) => {
      const { runRollback } = await import('./run.ts');
      ends(await runRollback(revision, options, terminal));
    });
}

/** Adds `support`. */
export function addSupport(program: Command, terminal: Terminal, ends: Ends): void {
  reaching(program.command('support'))
    .description(
      'print what helps to help: settings without secrets, checks, figures, recent trouble; no mail',
    )
    .action(async (options: Reaching) => {
      const { runSupport } = await import('./run.ts');
      ends(await runSupport(options, terminal));
    });
}

/** Adds `token`. */
export function addToken(program: Command, terminal: Terminal, ends: Ends): void {
  const token = program.command('token').description('tokens for the HTTP API');
  reaching(token.command('create'))
    .description('make a token; it is printed once and never again')
    .argument('<name>', 'what it is called')
    .addArgument(new Argument('<scope>', 'what it may do').choices(['viewer', 'operator', 'admin']))
    .option('--json', 'one JSON object')
    .action(async (name: string, scope: string, options: Reaching) => {
      const { runCreate } = await import('./tokens.ts');
      ends(await runCreate(name, scope, options, terminal));
    });
  reaching(token.command('list'))
    .description('list tokens, without their text; the table is for people, --json for machines')
    .option('--json', 'one JSON object per token')
    .action(async (options: Reaching) => {
      const { runList } = await import('./tokens.ts');
      ends(await runList(options, terminal));
    });
  reaching(token.command('revoke'))
    .description('revoke a token, and end the sessions begun with it')
    .argument('<name>', 'what it is called')
    .action(async (name: string, options: Reaching) => {
      const { runRevoke } = await import('./tokens.ts');
      ends(await runRevoke(name, options, terminal));
    });
}

function reaching(command: Command): Command {
  return command
    .option('-c, --config <file>', 'configuration file')
    .option('--url <url>', 'the HTTP API to ask (also MILLRACE_URL); its token comes from MILLRACE_TOKEN')
    .option('--token-file <file>', 'file with the token for --url');
}
