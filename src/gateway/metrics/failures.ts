/** The last notices that tell of trouble, as sentences for people. Text of strangers is neutralised. Bounded; never throws. */
import { printable, utf8Of } from '#message';
import { CATALOGUE, type NoticeFields, type NoticeName } from '#notices';

/** How many are kept, and characters of each. */
export const MAX_FAILURES = 20;
const MAX_TEXT = 300;

/** One, as it is shown. */
export interface Failure {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly text: string;
}

interface Kept {
  at: number;
  readonly name: NoticeName;
  fields: NoticeFields;
  times: number;
}

/** Fields that say whom or what it is about; the same trouble with the same one is told once. */
const WHOM = ['milter', 'listener', 'destination', 'hop', 'file', 'address', 'worker'] as const;
/** Fields that say why. */
const WHY = ['error', 'reason', 'text', 'kind', 'cause', 'how', 'warning'] as const;

/** See above. */
export class Failures {
  readonly #kept: Kept[] = [];

  /** Takes a notice of level warn or error. */
  add(at: number, name: NoticeName, fields: NoticeFields): void {
    const last = this.#kept.at(-1);
    if (last?.name === name && WHOM.every((key) => last.fields[key] === fields[key])) {
      last.at = at;
      last.fields = fields;
      last.times++;
      return;
    }
    this.#kept.push({ at, name, fields, times: 1 });
    if (this.#kept.length > MAX_FAILURES) this.#kept.shift();
  }

  /** The last one first. */
  list(): readonly Failure[] {
    return this.#kept
      .map(({ at, name, fields, times }) => ({ at, text: sentence(name, fields, times) }))
      .toReversed();
  }
}

function sentence(name: NoticeName, fields: NoticeFields, times: number): string {
  const whom = WHOM.flatMap((key) => (fields[key] === undefined ? [] : [shown(fields[key])]));
  const why = WHY.find((key) => fields[key] !== undefined && fields[key] !== '');
  const { says } = CATALOGUE[name];
  const text = `${whom.length > 0 ? `${whom.join(', ')}: ` : ''}${says}${why ? ` — ${shown(fields[why])}` : ''}`;
  return times > 1 ? `${text} (${times} times)` : text;
}

const shown = (value: NoticeFields[string]): string =>
  printable(utf8Of(Array.isArray(value) ? value.join(', ') : String(value)).slice(0, 4 * MAX_TEXT), MAX_TEXT);
