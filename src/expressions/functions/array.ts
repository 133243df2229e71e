/** Functions on arrays (reference 9.3) and on any value (9.5). Total; inputs are never changed. */
import { compare, equals } from '../compare.ts';
import { isArray, isNumeric, toArray, truthy, type Value } from '../values.ts';
import { plain, yesNo, type FunctionGroup } from './row.ts';

function sorted(value: Value, ascending: Value): Value {
  const sign = truthy(ascending) ? 1 : -1;
  return toArray(value).toSorted((a, b) => sign * compare(a, b) || 0);
}

/** First occurrences by `==`. Texts among themselves need no pairwise comparison. */
function dedup(value: Value): Value {
  const array = toArray(value);
  if (areTexts(array)) return [...new Set(array)];
  const kept: Value[] = [];
  for (const element of array) if (!kept.some((known) => equals(known, element))) kept.push(element);
  return kept;
}

function intersect(a: Value, b: Value): boolean {
  if (!isArray(a)) return isArray(b) && b.some((element) => equals(element, a));
  if (!isArray(b)) return a.some((element) => equals(element, b));
  if (!areTexts(a) || !areTexts(b)) return a.some((x) => b.some((y) => equals(x, y)));
  const known = new Set(b);
  return a.some((element) => known.has(element));
}

function areTexts(array: readonly Value[]): array is readonly string[] {
  return array.every((element) => typeof element === 'string');
}

export const arrayFunctions: FunctionGroup = {
  count: plain(1, (a) => toArray(a).length),
  sort: plain(2, sorted),
  dedup: plain(1, dedup),
  winnow: plain(1, (a) => (isArray(a) ? a.filter((element) => element !== '') : a)),
  is_intersect: plain(2, (a, b) => yesNo(intersect(a, b))),
  is_empty: plain(1, (a) => yesNo(a === '' || (isArray(a) && a.length === 0))),
  is_number: plain(1, (a) => yesNo(isNumeric(a))),
  if_then: plain(3, (a, b, c) => (truthy(a) ? b : c)),
};
