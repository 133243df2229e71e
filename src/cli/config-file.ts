/** Which configuration a command works on, and how trouble with it is told. */
import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { diagnosticLine, loadConfig, type Config } from '#gateway/config';
import { EXIT, type Terminal } from './terminal.ts';

/** What is looked for in the current folder when no file is named. */
export const USUAL_FILE = 'millrace.yaml';

/** The named file, or the usual one when it exists; null when there is neither. As typed: messages name it that way. */
export function chooseFile(named: string | undefined, terminal: Terminal): string | null {
  if (named !== undefined) return named;
  return existsSync(resolve(terminal.machine.cwd, USUAL_FILE)) ? USUAL_FILE : null;
}

/** The file's path for this process. */
export function fileFrom(name: string, terminal: Terminal): string {
  return isAbsolute(name) ? name : resolve(terminal.machine.cwd, name);
}

/** Loads a file for a command that needs it. Warnings and errors are said; with errors the exit code is returned instead. */
export function loadOrSay(name: string, terminal: Terminal): Config | typeof EXIT.configuration {
  const loaded = loadConfig({ file: fileFrom(name, terminal) }, { env: terminal.machine.env });
  for (const d of loaded.warnings) terminal.say(diagnosticLine({ ...d, file: name }));
  if (loaded.ok) return loaded.config;
  for (const d of loaded.errors) terminal.say(diagnosticLine({ ...d, file: name }));
  const count = loaded.errors.length;
  terminal.error(
    `the configuration has ${count} ${count === 1 ? 'error' : 'errors'}`,
    name,
    'correct what is listed above',
  );
  return EXIT.configuration;
}
