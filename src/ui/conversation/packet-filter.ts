/** The filter box: words that are looked for anywhere, and `lane=`, `code=`, `kind=`, `slower=`, `errors`, as on the command line. Pure. */
import { durationOf } from '../messages/query.ts';
import { isError, summaryOf, waitedOf, type Line } from './folds.ts';

/** Whether a line is shown; an empty text shows all. */
export function filterOf(text: string): (line: Line) => boolean {
  const tests = text
    .trim()
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
    .map(testOf);
  return (line) => tests.every((test) => test(line));
}

function testOf(word: string): (line: Line) => boolean {
  if (word === 'errors') return isError;
  const [, key = '', value = ''] = /^(lane|milter|code|kind|slower)=(.*)$/.exec(word) ?? [];
  switch (key) {
    case 'lane':
    case 'milter':
      return (line) => line.row.lane.toLowerCase().includes(value);
    case 'code':
      return (line) => line.row.code.toLowerCase().includes(value);
    case 'kind':
      return (line) => line.row.kind === value;
    case 'slower': {
      const least = durationOf(value) ?? 0;
      return (line) => (waitedOf(line) ?? -1) >= least;
    }
    default:
      return (line) =>
        `${line.row.lane} ${line.row.code} ${summaryOf(line)} ${line.row.note} ${line.row.fields.map((f) => `${f.name} ${f.value}`).join(' ')}`
          .toLowerCase()
          .includes(word);
  }
}
