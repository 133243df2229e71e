/** The function table (reference 9): every name and its row. A Map, so that no name reaches a prototype. */
import { addressFunctions } from './address.ts';
import { arrayFunctions } from './array.ts';
import type { FunctionRow } from './row.ts';
import { serviceFunctions } from './services.ts';
import { splitFunctions } from './split.ts';
import { textFunctions } from './text.ts';

/** Rows by name. */
export const FUNCTIONS: ReadonlyMap<string, FunctionRow> = new Map(
  [textFunctions, splitFunctions, arrayFunctions, addressFunctions, serviceFunctions].flatMap((group) =>
    Object.entries(group),
  ),
);

/** Names that are called like functions and take a literal first (reference 9.1); each with its arity. */
export const SPECIAL_FORMS: ReadonlyMap<string, number> = new Map([
  ['matches', 2],
  ['system', 1],
  ['metric', 1],
]);
