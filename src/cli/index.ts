/**
 * The command line: `millrace NOUN VERB`. One file per command; this one only puts them together.
 *
 * Promises: resolves with the exit code of the table in terminal.ts, also for wrong usage; never ends the process itself.
 * Results go to stdout, messages to stderr.
 */
import { Command, CommanderError } from 'commander';
import { addConfigCheck } from './config-check.ts';
import { addExpr } from './expr.ts';
import { addMilter } from './milter/commands.ts';
import { addHistory } from './history/commands.ts';
import { addQuarantine, addQueue } from './queue/commands.ts';
import { addReady } from './ready.ts';
import { addServe } from './serve.ts';
import { addConfig, addSupport, addToken } from './settings/commands.ts';
import { EXIT, Terminal, type Machine } from './terminal.ts';
import { addTrace } from './trace/commands.ts';
import { addUserHash } from './user-hash.ts';
import { addVersion } from './version.ts';

export { EXIT, type Machine } from './terminal.ts';

/** Runs one command. `argv` is without node and script; `machine` is replaced by tests. */
export async function main(argv: readonly string[], machine: Machine = thisMachine()): Promise<number> {
  const terminal = new Terminal(machine);
  let code: number = EXIT.ok;
  const ends = (c: number): void => {
    code = c;
  };
  const program = commandTree(terminal, ends);
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    code = usageCode(error, terminal);
  }
  await terminal.end();
  return code;
}

function commandTree(terminal: Terminal, ends: (code: number) => void): Command {
  const program = new Command('millrace');
  program
    .description('The milter-first mail gateway')
    .helpCommand('help [command]', 'display help for a command')
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void terminal.result(text.replace(/\n$/, '')),
      writeErr: (text) => terminal.say(text.replace(/\n$/, '')),
      outputError: () => {}, // said by usageCode, in the form of all our errors
    });
  addServe(program, terminal, ends);
  const config = program.command('config').description('look at configurations and change them');
  addConfigCheck(config, terminal, ends);
  addConfig(config, terminal, ends);
  addQueue(program, terminal, ends);
  addQuarantine(program, terminal, ends);
  addMilter(program, terminal, ends);
  addExpr(program, terminal, ends);
  addReady(program, terminal, ends);
  addTrace(program, terminal, ends);
  addHistory(program, terminal, ends);
  const user = program.command('user').description('prepare accounts');
  addUserHash(user, terminal, ends);
  addToken(program, terminal, ends);
  addSupport(program, terminal, ends);
  addVersion(program, terminal, ends);
  return program;
}

/** Wrong usage: 2; help that was asked for: 0. Anything else is a bug of a command, said in one line. */
function usageCode(error: unknown, terminal: Terminal): number {
  if (!(error instanceof CommanderError)) {
    const what = error instanceof Error ? error.message : String(error);
    terminal.error(what.split('\n')[0] ?? what, 'millrace', 'report this with the command you ran');
    if (terminal.machine.env['MILLRACE_DEBUG'] && error instanceof Error && error.stack)
      terminal.say(error.stack);
    return EXIT.failed;
  }
  if (error.exitCode === 0) return EXIT.ok;
  if (error.code !== 'commander.help') {
    const [what = '', hint] = error.message.replace(/^error: /, '').split('\n');
    terminal.error(what, 'command line', hint ? hint.replace(/^\(|\)$/g, '') : 'see millrace --help');
  }
  return EXIT.usage;
}

function thisMachine(): Machine {
  return { stdout: process.stdout, stderr: process.stderr, env: process.env, cwd: process.cwd() };
}
