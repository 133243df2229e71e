/** The bench's command line. Wrong usage is a UsageError with a sentence; nothing else throws. */
import { parseArgs } from 'node:util';

/** What a no-op filter answers: every event, or (having taken the no-reply flags) only end of message. */
export const ANSWERS = ['every', 'last'] as const;
export type Answers = (typeof ANSWERS)[number];

/** With its journal, without it, or one of each in turn. */
export const JOURNALS = ['on', 'off', 'both'] as const;
export type JournalChoice = (typeof JOURNALS)[number];

/** Situations with a measurement of their own; see bench/scenarios. */
export const SCENARIOS = ['waves', 'large', 'real', 'distance'] as const;
export type ScenarioName = (typeof SCENARIOS)[number];

export const USAGE = `npm run bench -- [options]
  --peer postfix      measure Debian's Postfix in the same run, turn by turn, and print the ratios (needs root)
  --scenario NAME     waves, large, real or distance instead of the matrix below; several with commas or by repeating
  --filters 0,1,3     numbers of no-op filters
  --sessions 1,20,100 numbers of SMTP sessions at once
  --bytes 4096        size of a message
  --runs 5            measured runs of each configuration; medians are printed
  --seconds 2         about how long one run lasts
  --workers 1         processes of the gateway that take mail
  --journal on        on, off, or both: the same gateway with and without journal, turn by turn, with the ratios
  --new-connections   a new connection for every message (default: each session keeps its own)
  --answers every,last  filters that answer every event, and filters that take the no-reply flags and answer the last one
  --quick             one short run of each, 1 and 20 sessions: a look, not a result
  --out FILE          write the tables to FILE as Markdown too
  --work DIR          where queues live; must be on the disk that is to be measured (default: .work in the repository)`;

export interface Options {
  readonly postfix: boolean;
  /** Empty: the matrix of filters and sessions. */
  readonly scenarios: readonly ScenarioName[];
  readonly filters: readonly number[];
  readonly sessions: readonly number[];
  readonly bytes: number;
  readonly runs: number;
  readonly seconds: number;
  readonly newConnections: boolean;
  /** Processes of the gateway that take mail. */
  readonly workers: number;
  readonly journal: JournalChoice;
  readonly answers: readonly Answers[];
  readonly quick: boolean;
  readonly out: string | undefined;
  readonly work: string | undefined;
  readonly help: boolean;
}

export class UsageError extends Error {}

/** Reads the arguments after the program's name. */
export function readOptions(argv: readonly string[]): Options {
  const values = parse(argv);
  if (values.peer !== undefined && values.peer !== 'postfix')
    throw new UsageError(`--peer knows only postfix, not ${values.peer}`);
  if (values.scenario !== undefined && values.answers !== undefined)
    throw new UsageError(
      '--answers belongs to the matrix: scenarios say themselves what their filters answer',
    );
  const quick = values.quick === true;
  return {
    postfix: values.peer === 'postfix',
    scenarios: chosen('scenario', SCENARIOS, values.scenario ?? []),
    filters: numbers('filters', values.filters ?? '0,1,3', 0, 8),
    sessions: numbers('sessions', values.sessions ?? (quick ? '1,20' : '1,20,100'), 1, 1000),
    bytes: number('bytes', values.bytes ?? '4096', 256, 64 << 20),
    runs: number('runs', values.runs ?? (quick ? '1' : '5'), 1, 100),
    seconds: number('seconds', values.seconds ?? (quick ? '0.7' : '2'), 0.1, 600),
    newConnections: values['new-connections'] === true,
    journal: chosen('journal', JOURNALS, [values.journal ?? 'on'])[0]!,
    workers: numbers('workers', values.workers ?? '1', 1, 64)[0]!,
    answers: chosen('answers', ANSWERS, [values.answers ?? 'every,last']),
    quick,
    out: values.out,
    work: values.work,
    help: values.help === true,
  };
}

function parse(argv: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...argv],
      options: {
        peer: text,
        scenario: { type: 'string', multiple: true },
        filters: text,
        sessions: text,
        bytes: text,
        runs: text,
        seconds: text,
        workers: text,
        journal: text,
        out: text,
        work: text,
        'new-connections': flag,
        answers: text,
        quick: flag,
        help: flag,
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** The names among `known` that the lists in `given` hold, in the order of `known`. */
function chosen<Name extends string>(
  option: string,
  known: readonly Name[],
  given: readonly string[],
): Name[] {
  const wanted = given.flatMap((list) => list.split(','));
  const unknown = wanted.find((name) => !(known as readonly string[]).includes(name));
  if (unknown !== undefined) throw new UsageError(`--${option} knows ${known.join(', ')}, not '${unknown}'`);
  return known.filter((name) => wanted.includes(name));
}

function number(name: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= low && value <= high))
    throw new UsageError(`--${name} must be from ${low} to ${high}, not '${text}'`);
  return value;
}

function numbers(name: string, text: string, low: number, high: number): number[] {
  const list = text.split(',').map((one) => number(name, one, low, high));
  if (!list.every(Number.isInteger)) throw new UsageError(`--${name} must be whole numbers, not '${text}'`);
  return [...new Set(list)];
}
