/**
 * Regular expressions of `matches` (reference 8 and 11).
 *
 * Compiled by an engine that takes linear time whatever the pattern and the text, and that knows neither look-around nor
 * back-references; the patterns of the configuration meet texts that strangers choose. Never throws.
 */
import { RE2JS, RE2JSSyntaxException } from 're2js';
import { LIMITS } from './limits.ts';

/** A compiled pattern. Searches; anchors are the author's. */
export interface Pattern {
  /** Whether it is found in the text. */
  found(text: string): boolean;
  /** The match and its groups, '' for a group that took no part; null when it is not found. */
  captures(text: string): readonly string[] | null;
}

/** Why a pattern was refused. */
export interface BadPattern {
  readonly reason: string;
  readonly hint: string;
  /** What the engine stumbled over, as a stretch of the pattern. */
  readonly at: number;
  readonly length: number;
}

/** Compiles a pattern, or says what is wrong with it. */
export function patternOf(source: string): Pattern | BadPattern {
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(source);
  } catch (error) {
    return badPattern(source, error);
  }
  if (compiled.programSize() > LIMITS.pattern) return tooLarge(source);
  return {
    found: (text) => compiled.test(text),
    captures: (text) => compiled.exec(text)?.map((group: string | undefined) => group ?? '') ?? null,
  };
}

/** Whether compiling failed. */
export function isBad(pattern: Pattern | BadPattern): pattern is BadPattern {
  return 'reason' in pattern;
}

function badPattern(source: string, error: unknown): BadPattern {
  if (!(error instanceof RE2JSSyntaxException)) return tooLarge(source);
  const culprit: string = error.input ?? '';
  const at = Math.max(0, source.indexOf(culprit));
  const length = Math.min(culprit.length, source.length - at);
  return { reason: String(error.error), hint: hintFor(culprit, String(error.error)), at, length };
}

function tooLarge(source: string): BadPattern {
  return { reason: 'the pattern is too large', hint: 'shorten its repeats', at: 0, length: source.length };
}

function hintFor(culprit: string, reason: string): string {
  if (/^\(\?<?[=!]/.test(culprit)) return 'look-around is not supported: matching takes linear time here';
  if (/^\(\?>/.test(culprit)) return 'atomic groups are not supported: matching takes linear time here';
  if (/^\\[1-9k]|^\(\?P=/.test(culprit))
    return 'back-references are not supported: matching takes linear time here';
  if (/repeat count/.test(reason)) return 'at most 1000 repeats, nested ones multiplied';
  return '';
}
