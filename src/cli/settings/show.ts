/** `millrace config show`: the settings a file stands for, with every default, or only those that it writes. */
import { stringify } from 'yaml';
import { diagnosticLine, effectiveSettings, loadConfig, writtenIn } from '#gateway/config';
import { chooseFile, fileFrom } from '../config-file.ts';
import { EXIT, type Terminal } from '../terminal.ts';

/** Runs it; the exit code. */
export async function runShow(
  options: { readonly config?: string; readonly nonDefault?: boolean },
  terminal: Terminal,
): Promise<number> {
  const file = chooseFile(options.config, terminal);
  const { cwd, env } = terminal.machine;
  const source =
    file === null ? { text: '', name: 'defaults', base: cwd } : { file: fileFrom(file, terminal) };
  const loaded = loadConfig(source, { env });
  if (!loaded.ok) {
    for (const d of loaded.errors) terminal.say(diagnosticLine({ ...d, file: file ?? d.file }));
    terminal.error('the configuration has errors', file ?? 'defaults', 'correct what is listed above');
    return EXIT.configuration;
  }
  const all = effectiveSettings(loaded.config, false);
  const shown = options.nonDefault ? writtenIn(all, loaded.text) : all;
  await terminal.result(stringify(shown, { aliasDuplicateObjects: false }).trimEnd());
  return EXIT.ok;
}
