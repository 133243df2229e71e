/**
 * `&&` and `||` (reference 7): the left side decides alone if it can, and is then the result itself; else 0 or 1.
 *
 * A left side that is known when loading drops the right side, or leaves only its truth; calls in a dropped side do not
 * happen, as they would not if evaluated.
 */
import { constantCode, lateCode, liveCode, type Code } from './code.ts';
import { yesNo } from './functions/row.ts';
import { then } from './later.ts';
import { truthy, type Value } from './values.ts';

/** The code of one of the two, made of the code of its sides. */
export function compileLogic(operator: '&&' | '||', left: Code, right: Code): Code {
  const decides = operator === '||'; // the truth of the left side that decides
  if (left.constant !== null) {
    if (truthy(left.constant) === decides) return left;
    if (right.constant !== null) return constantCode(yesNo(truthy(right.constant)));
  }
  const truth = truthOf(decides, left.truth, right.truth);
  if (left.late || right.late) {
    const right01 = (value: Value): Value => yesNo(truthy(value));
    return lateCode(
      (scope) =>
        then(left.run(scope), (value) =>
          truthy(value) === decides ? value : then(right.run(scope), right01),
        ),
      truth,
    );
  }
  const { run: first } = left;
  const { run: second } = right;
  return liveCode((scope) => {
    const value = first(scope);
    if (truthy(value) === decides) return value;
    return truthy(second(scope)) ? 1 : 0;
  }, truth);
}

function truthOf(decides: boolean, left: boolean | null, right: boolean | null): boolean | null {
  if (left === decides || right === decides) return decides;
  return left === null || right === null ? null : !decides;
}
