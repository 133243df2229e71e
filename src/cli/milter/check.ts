/**
 * `millrace milter check`: the steps of Test connection on a terminal.
 *
 * Its exit code is 0 when the filter can be used, whatever it says of the probe message, else that of the step that failed; with
 * several filters, 6 when some can be used and some cannot.
 */
import {
  checkMilter,
  milterOf,
  NO_GUARD,
  PROBES,
  settingsOfTarget,
  systemClock,
  type CheckReport,
} from '#gateway';
import { loadConfig, type Config, type MilterConfig } from '#gateway/config';
import { printable } from '#message';
import { chooseFile, loadOrSay } from '../config-file.ts';
import { EXIT, type Terminal } from '../terminal.ts';

type Options = Readonly<Record<string, unknown>>;

/** Runs it. */
export async function runCheck(
  target: string | undefined,
  options: Options,
  terminal: Terminal,
): Promise<number> {
  const all = options['all'] === true;
  if (all === (target !== undefined)) {
    terminal.error('name one filter, or --all', 'command line', 'see millrace milter check --help');
    return EXIT.usage;
  }
  const chosen = all ? allOf(options, terminal) : oneOf(target!, options, terminal);
  if (typeof chosen === 'number') return chosen;
  const probe = PROBES.find((p) => p === options['probe']) ?? 'none';
  const { hostname, milters } = chosen;
  const codes: number[] = [];
  for (const milter of milters) {
    const report = await checkMilter({ milter, probe, hostname, guard: NO_GUARD, clock: systemClock });
    await print(milter.name, report, options, terminal);
    codes.push(report.exit);
  }
  const failed = codes.filter((code) => code !== 0);
  if (failed.length === 0) return EXIT.ok;
  return failed.length < codes.length ? EXIT.partly : failed[0]!;
}

interface Chosen {
  readonly hostname: string;
  readonly milters: readonly MilterConfig[];
}

function configuration(options: Options, terminal: Terminal): Config | number {
  const file = chooseFile(options['config'] as string | undefined, terminal);
  if (file !== null) return loadOrSay(file, terminal);
  const bare = loadConfig({ text: '', name: 'defaults', base: terminal.machine.cwd }, { env: {} });
  return bare.ok ? bare.config : EXIT.configuration;
}

function allOf(options: Options, terminal: Terminal): Chosen | number {
  const config = configuration(options, terminal);
  if (typeof config === 'number' || config.milters.length > 0) return config;
  terminal.error('no filter is configured', 'milters', 'name a configuration with -c, or a target');
  return EXIT.absent;
}

function oneOf(target: string, options: Options, terminal: Terminal): Chosen | number {
  const settings = settingsOfTarget(target);
  if (settings !== null) {
    const more = {
      ...(options['tls'] === true && { useTls: true }),
      ...(options['allowInvalidCerts'] === true && { allowInvalidCerts: true }),
    };
    const made = milterOf({ ...settings, ...more }, terminal.machine.cwd);
    if ('milter' in made) return { hostname: 'localhost', milters: [made.milter] };
    const [what = '', remedy = 'correct it'] = made.trouble.split(' — ');
    terminal.error(what, printable(target, 200), remedy);
    return EXIT.usage;
  }
  const config = configuration(options, terminal);
  if (typeof config === 'number') return config;
  const milters = config.milters.filter((m) => m.name === target);
  if (milters.length > 0) return { ...config, milters };
  const names = config.milters.map((m) => m.name).join(', ') || 'none';
  terminal.error(
    `there is no filter ${printable(target, 64)}`,
    'milters',
    `configured are: ${names}; an address is written HOST:PORT or unix:/PATH`,
  );
  return EXIT.absent;
}

async function print(name: string, report: CheckReport, options: Options, terminal: Terminal): Promise<void> {
  if (options['json'] === true) return terminal.result(JSON.stringify({ name, ...report }));
  await terminal.result(name === report.target ? name : `${name} (${report.target})`);
  for (const { step, ok, ms, says, evidence } of report.steps) {
    await terminal.result(
      `  ${ok ? 'ok  ' : 'FAIL'} ${step.padEnd(9)} ${ms.toFixed(1).padStart(8)} ms  ${says}`,
    );
    if (step === 'flags' || !ok || step === 'probe')
      for (const fact of evidence) await terminal.result(`         ${fact.name.padEnd(18)} ${fact.value}`);
  }
  if (report.ok) return terminal.result(`  ${report.says}`);
  terminal.error(report.says, report.target, 'see docs/milter-check.md');
}
