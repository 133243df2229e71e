/**
 * What notices already say, counted: one notice, one table look-up.
 *
 * Of what a notice carries only words of this program and names of the configuration become labels. Never throws.
 */
import type { NoticeFields, NoticeName } from '#notices';
import type { MetricName } from './catalogue.ts';
import type { Cell } from './cells.ts';
import type { Figures } from './figures.ts';
import { editLabel, type FilterFigures } from './filter-figures.ts';
import type { ListenerMeter } from './listener-meter.ts';

/** What notices are counted with. */
export interface Counted {
  readonly figures: Figures;
  /** Those of the configuration. */
  readonly listener: (name: string) => ListenerMeter | undefined;
  readonly filter: (name: string) => FilterFigures | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

type Count = (fields: NoticeFields) => void;

/** Why an edit was not made, by the code of the error. */
const EDIT_FAULTS: Readonly<Record<string, string>> = {
  action_not_granted: 'not_granted',
  too_big: 'too_big',
  header_size: 'too_big',
  recipients: 'too_big',
};

const word = (value: NoticeFields[string]): string => (typeof value === 'string' ? value : '');

/** By name of the notice. */
export type Counts = Partial<Record<NoticeName, Count>>;

/** The table. */
export function countsOf(on: Counted): Counts {
  return { ...intakeCounts(on), ...milterCounts(on), ...queueCounts(on), ...houseCounts(on) };
}

const add = (cell: Cell): Count => {
  return () => void cell.n++;
};

function intakeCounts({ figures, listener, filter }: Counted): Counts {
  const enqueued = figures.number('queue_enqueued_total').cell('smtp');
  figures.number('queue_enqueued_total').cell('api');
  const added = figures.number('quarantine_added_total');
  const auth = (result: string): Count => {
    return ({ listener: at, method }) =>
      void figures.number('smtp_auth_total').cell(word(at), word(method), result).n++;
  };
  return {
    'message.accepted': ({ listener: at, held, by }) => {
      enqueued.n++;
      listener(word(at))?.ended(held === undefined ? 'accepted' : 'quarantined');
      if (held !== undefined) added.cell(filter(word(by)) ? word(by) : '').n++;
    },
    'message.passed': ({ listener: at }) => listener(word(at))?.ended('accepted'),
    'message.discarded': ({ listener: at }) => listener(word(at))?.ended('discarded'),
    'smtp.auth-succeeded': auth('ok'),
    'smtp.auth-failed': auth('failed'),
  };
}

function milterCounts({ figures, filter }: Counted): Counts {
  const outcomes = figures.number('milter_error_outcomes_total');
  return {
    'milter.edited': ({ milter, edits }) => {
      const made = figures.number('milter_edits_total');
      if (Array.isArray(edits) && filter(word(milter)))
        for (const edit of edits as readonly string[]) made.cell(word(milter), editLabel(edit)).n++;
    },
    'milter.failed': ({ milter, kind, outcome, edit }) => {
      const [name, why] = [word(milter), word(kind)];
      // Sessions may outlive their filter's place in the configuration.
      const known = filter(name);
      if (!known) return;
      known.failed();
      figures.number('milter_errors_total').cell(name, why).n++;
      outcomes.cell(name, word(outcome)).n++;
      if (edit === undefined) return;
      figures
        .number('milter_edits_refused_total')
        .cell(name, editLabel(word(edit)), EDIT_FAULTS[why] ?? 'invalid').n++;
    },
    'milter.not-tried': ({ milter, outcome }) => {
      if (filter(word(milter))) outcomes.cell(word(milter), word(outcome)).n++;
    },
  };
}

function queueCounts({ figures, filter }: Counted): Counts {
  const enqueued = figures.number('queue_enqueued_total');
  const [dsn, release] = [enqueued.cell('dsn'), enqueued.cell('release')];
  const removed = figures.number('queue_removed_total');
  const [bounced, deleted, expired] = [
    removed.cell('bounced'),
    removed.cell('deleted'),
    removed.cell('expired'),
  ];
  const gone = figures.number('quarantine_removed_total');
  const left = {
    released: gone.cell('released'),
    deleted: gone.cell('deleted'),
    expired: gone.cell('expired'),
  };
  const held = figures.number('quarantine_added_total');
  for (const kind of ['failure', 'delay', 'success']) figures.number('dsn_sent_total').cell(kind);
  return {
    'delivery.notice-made': ({ kind }) => {
      dsn.n++;
      figures.number('dsn_sent_total').cell(word(kind)).n++;
    },
    'queue.ordered': ({ verb, result, was, now }) => {
      if (result !== 'done') return;
      const ends = now === 'gone';
      if (verb === 'release') release.n++;
      else if (ends) (verb === 'delete' ? deleted : bounced).n++;
      if (now === 'held' && was !== 'held') held.cell('').n++;
      if (verb === 'release' && was === 'held') left.released.n++;
      else if (was === 'held' && ends) left.deleted.n++;
    },
    'queue.hold-expired': () => {
      expired.n++;
      left.expired.n++;
    },
    'milter.unavailable': ({ milter }) => filter(word(milter))?.failed(),
  };
}

function houseCounts({ figures, now }: Counted): Counts {
  const number = (name: MetricName, ...labels: string[]): Cell => figures.number(name).cell(...labels);
  const since = number('config_last_reload_success_timestamp_seconds');
  since.n = now() / 1000;
  const reloaded = number('config_reloads_total', 'ok');
  return {
    'gateway.reloaded': () => {
      reloaded.n++;
      since.n = now() / 1000;
    },
    'gateway.reload-refused': add(number('config_reloads_total', 'refused')),
  };
}
