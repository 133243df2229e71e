/** `millrace config check`: everything that is wrong with a configuration, each with its place and remedy. */
import type { Command } from 'commander';
import { diagnosticLine, loadConfig } from '#gateway/config';
import { fileFrom, USUAL_FILE } from './config-file.ts';
import { EXIT, type Terminal } from './terminal.ts';

/** Adds the command; it reports its exit code to `ends`. */
export function addConfigCheck(parent: Command, terminal: Terminal, ends: (code: number) => void): void {
  parent
    .command('check')
    .description('check a configuration: syntax, every value and expression, certificate files')
    .argument('[file]', 'configuration file', USUAL_FILE)
    .option(
      '--json',
      'one JSON object per finding: severity, file, path, line, column, code, message, remedy',
    )
    .action(async (file: string, options: { json?: boolean }) => {
      const loaded = loadConfig({ file: fileFrom(file, terminal) }, { env: terminal.machine.env });
      const found = loaded.ok ? loaded.warnings : [...loaded.errors, ...loaded.warnings];
      for (const finding of found) {
        const d = { ...finding, file };
        await terminal.result(options.json ? JSON.stringify(d) : diagnosticLine(d));
      }
      if (loaded.ok && !options.json) await terminal.result(`${file}: ok`);
      ends(loaded.ok ? EXIT.ok : EXIT.configuration);
    });
}
