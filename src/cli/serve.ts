/** `millrace serve`: runs the gateway in the foreground until a signal ends it. */
import type { Command } from 'commander';
import type { Config } from '#gateway/config';
import { chooseFile, fileFrom, loadOrSay, USUAL_FILE } from './config-file.ts';
import { EXIT, type Terminal } from './terminal.ts';

/** Adds the command; it reports its exit code to `ends`. */
export function addServe(parent: Command, terminal: Terminal, ends: (code: number) => void): void {
  parent
    .command('serve')
    .description('run the gateway in the foreground')
    .option(
      '-c, --config <file>',
      `configuration file (default: ${USUAL_FILE} here, else the built-in starter)`,
    )
    .action(async (options: { config?: string }) => {
      const file = chooseFile(options.config, terminal);
      ends(file === null ? await serveStarter(terminal) : await serveFile(file, terminal));
    });
}

async function serveFile(file: string, terminal: Terminal): Promise<number> {
  const config = loadOrSay(file, terminal);
  return typeof config === 'number' ? config : run(config, fileFrom(file, terminal));
}

async function serveStarter(terminal: Terminal): Promise<number> {
  const { startStarter } = await import('./starter.ts');
  const { cwd } = terminal.machine;
  let starter;
  try {
    starter = await startStarter(cwd, (line) => terminal.say(line));
  } catch (error) {
    terminal.error(
      `the starter cannot run (${error instanceof Error ? error.message : String(error)})`,
      `${cwd}/var`,
      'start it in a folder you may write to, or name a configuration with -c',
    );
    return EXIT.failed;
  }
  terminal.say(`no ${USUAL_FILE} here: running the starter, SMTP on 127.0.0.1:2525, mail to ./var/mail`);
  terminal.say('the pages are at http://127.0.0.1:8025: sign in with the token in ./var/admin.token');
  try {
    return await run(starter.config, null);
  } finally {
    await starter.close();
  }
}

async function run(config: Config, configFile: string | null): Promise<number> {
  // Loaded only now, so that the other commands start without the whole gateway.
  const [{ runGateway }, { attend }] = await Promise.all([import('#gateway'), import('#admin')]);
  // From the sources the program ends in .ts, built in .js.
  const workerProgram = new URL(`./worker.${import.meta.url.slice(-2)}`, import.meta.url);
  return runGateway({ config, configFile, attend, workerProgram });
}
