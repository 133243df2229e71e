/** `millrace expr check|eval`: an expression tried without a gateway; errors with a caret under their place. */
import { hostname } from 'node:os';
import type { Command } from 'commander';
import type { Checked, Given } from '#gateway';
import { printable } from '#message';
import { EXIT, type Terminal } from './terminal.ts';

type Ends = (code: number) => void;
interface Options {
  readonly for: 'enable' | 'route';
  readonly v?: readonly string[];
  readonly json?: boolean;
}

/** Every `-v` adds a variable. */
const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
];

/** Adds `expr`. */
export function addExpr(program: Command, terminal: Terminal, ends: Ends): void {
  const expr = program.command('expr').description('try expressions of `enable` and of routes');
  placed(expr.command('check'))
    .description('what is wrong with an expression')
    .argument('<expression>', "such as: remote_ip == '192.0.2.1'")
    .action(async (expression: string, options: Options) =>
      ends(await runCheck(expression, options, terminal)),
    );
  placed(expr.command('eval'))
    .description('what it comes to with given variables, and the value of each part')
    .argument('<expression>')
    .option('-v <name=value>', 'a variable; a list of texts as JSON; may be given again', collect)
    .action(async (expression: string, options: Options) =>
      ends(await runEval(expression, options, terminal)),
    );
}

function placed(command: Command): Command {
  return command
    .addOption(
      command.createOption('--for <place>', 'where it stands').choices(['enable', 'route']).default('enable'),
    )
    .option('--json', 'one JSON object');
}

async function runCheck(expression: string, options: Options, terminal: Terminal): Promise<number> {
  const { checkExpression } = await import('#gateway');
  const checked = checkExpression(expression, options.for);
  if (options.json) await terminal.result(JSON.stringify(checked));
  else {
    await say(expression, checked, terminal);
    const always = checked.constant === null ? '' : `, always ${checked.constant}`;
    if (checked.ok) await terminal.result(`ok${always}`);
  }
  return checked.ok ? EXIT.ok : EXIT.failed;
}

async function runEval(expression: string, options: Options, terminal: Terminal): Promise<number> {
  const { evaluateExpression } = await import('#gateway');
  const variables = Object.create(null) as Record<string, Given>;
  for (const given of options.v ?? []) {
    const at = given.indexOf('=');
    const value = at < 1 ? null : valueOf(given.slice(at + 1));
    if (value === null) {
      terminal.error(
        `${printable(given, 80)} gives no variable`,
        'command line',
        'write -v name=value, a list as -v \'name=["a","b"]\'',
      );
      return EXIT.usage;
    }
    variables[given.slice(0, at)] = value;
  }
  const result = await evaluateExpression(expression, options.for, variables, hostname());
  if ('trouble' in result) {
    terminal.error(result.trouble, 'command line', 'see docs/expressions.md');
    return EXIT.usage;
  }
  if (options.json) await terminal.result(JSON.stringify(result));
  else {
    await say(expression, result, terminal);
    for (const { text, value } of result.steps.slice(0, -1).filter((step) => step.text !== step.value))
      await terminal.result(`  ${text}  →  ${value}`);
    if (result.ok) await terminal.result(result.value);
  }
  return result.ok ? EXIT.ok : EXIT.failed;
}

/** A text, or a list of texts in brackets; null when the brackets hold something else. */
function valueOf(text: string): Given | null {
  if (!text.startsWith('[')) return text;
  try {
    const list = JSON.parse(text) as unknown;
    return Array.isArray(list) && list.every((item) => typeof item === 'string') ? list : null;
  } catch {
    return null;
  }
}

/** The findings, each with the place it means. */
async function say(expression: string, { diagnostics }: Checked, terminal: Terminal): Promise<void> {
  for (const { severity, at, length, message, remedy } of diagnostics) {
    const before = expression.slice(0, at);
    const line = before.split('\n').length - 1;
    const column = at - (before.lastIndexOf('\n') + 1);
    terminal.say(`${severity}: ${message}${remedy === '' ? '' : ` — ${remedy}`}`);
    terminal.say(`  ${expression.split('\n')[line] ?? ''}`);
    terminal.say(`  ${' '.repeat(column)}${'^'.repeat(Math.max(1, length))}`);
  }
}
