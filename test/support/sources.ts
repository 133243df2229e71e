/** The source text of the program as data, for tests that compare documents with it. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readText } from './documents.ts';
import { ROOT } from './folders.ts';

/** Paths of the files the program is made of: no tests, no cases, not the web pages. */
export function sourceFiles(below = 'src'): readonly string[] {
  return readdirSync(join(ROOT, below), { recursive: true, encoding: 'utf8' })
    .map((path) => `${below}/${path.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.ts') && !/\.(test|cases)\.ts$|\/zz-|^src\/ui\//.test(path))
    .toSorted();
}

/** A file's text without comments; strings stay. Line breaks stay, so line numbers hold. */
export function codeIn(path: string): string {
  return readText(path).replace(
    /('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[^])*`)|\/\*[^]*?\*\/|(?<=^|[\s;,{}()])\/\/[^\n]*/g,
    (whole, text: string | undefined) => text ?? whole.replace(/[^\n]/g, ''),
  );
}

/** A constant whose value is a number written out. */
export interface NumericConstant {
  readonly file: string;
  readonly name: string;
  readonly value: number;
}

/** Every constant in capitals that is a number, or a product of numbers, in the whole program. */
export function numericConstants(): readonly NumericConstant[] {
  return sourceFiles().flatMap((file) =>
    [...codeIn(file).matchAll(/\bconst ([A-Z][A-Z0-9_]*)(?:: number)? = ([0-9][0-9a-fx_ .*+]*);/g)].map(
      ([, name, value]) => ({ file, name: name!, value: numberOf(value!) }),
    ),
  );
}

/** `64 * 1024`, `2 ** 31`, `0x1ff`, `10_000`. */
function numberOf(expression: string): number {
  const sum = expression
    .replaceAll('_', '')
    .split('+')
    .reduce((total, product) => {
      const factors = product.split(/(?<!\*)\*(?!\*)/).map((factor) => {
        const [base, exponent] = factor.split('**').map(Number);
        return exponent === undefined ? base! : base! ** exponent;
      });
      return total + factors.reduce((a, b) => a * b, 1);
    }, 0);
  if (Number.isNaN(sum)) throw new Error(`not a number: ${expression}`);
  return sum;
}
