/**
 * Loading: text to document to Settings to Config, and every finding with its place in the file.
 *
 * Called by `serve`, `reload` and `config check`. What is wrong with a configuration is returned, all of it that can be seen
 * at once, sorted by place; nothing is thrown for any text, file or variable. Reads the file, secrets and certificates, and
 * writes nothing.
 */
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import type { Config } from './config.ts';
import { invalid, type ConfigDiagnostic, type Issue } from './diagnostics.ts';
import { MAX_TEXT, readDocument, type ConfigDocument } from './document.ts';
import type { ProblemParams } from './leaves.ts';
import { nearest } from './nearest.ts';
import { pathText } from './places.ts';
import { resolveConfig } from './resolve.ts';
import { isMissing, sightOf } from './seen.ts';
import { unsupported } from './unsupported.ts';

/** Where the configuration is: a file, or text with a name for messages (relative paths then start at `base`). */
export type ConfigSource =
  { readonly file: string } | { readonly text: string; readonly name: string; readonly base?: string };

/** Surroundings of a load. */
export interface LoadOptions {
  /** Environment for `{ env: NAME }`; default: the process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A configuration, or everything that is wrong with it. */
export type LoadResult =
  | {
      readonly ok: true;
      readonly config: Config;
      /** What was read: loaded again with the same base it gives the same configuration. */
      readonly text: string;
      readonly warnings: readonly ConfigDiagnostic[];
    }
  | {
      readonly ok: false;
      readonly errors: readonly ConfigDiagnostic[];
      readonly warnings: readonly ConfigDiagnostic[];
    };

/** Loads and checks a configuration. Relative paths in a file start at the file's folder. */
export function loadConfig(source: ConfigSource, options: LoadOptions = {}): LoadResult {
  const name = 'file' in source ? source.file : source.name;
  const read = 'file' in source ? readText(source.file) : source.text;
  if (typeof read !== 'string') return failed([{ ...read, file: name }]);
  const base = 'file' in source ? dirname(resolve(source.file)) : resolve(source.base ?? '.');
  const document = readDocument(read, { env: options.env ?? process.env, base });
  if ('issues' in document)
    return failed(
      document.issues.map((issue) => diagnosticOf({ ...issue, path: pathText(issue.path) }, name)),
    );
  const issues: Issue[] = [];
  const config = check(document, base, issues);
  const diagnostics = [
    ...document.flaws.map((flaw) => diagnosticOf({ ...flaw, path: pathText(flaw.path) }, name)),
    ...issues.map((issue) => diagnosticOf({ ...issue, ...document.locate(issue) }, name)),
  ].toSorted(byPlace);
  const errors = diagnostics.filter((d) => d.severity === 'error');
  const warnings = diagnostics.filter((d) => d.severity === 'warning');
  return errors.length === 0 ? { ok: true, config, text: read, warnings } : { ok: false, errors, warnings };
}

/** Every step looks at what the one before could see; the result counts only when no error was found. */
function check(document: ConfigDocument, base: string, issues: Issue[]): Config {
  const { settings, refused, issues: found } = sightOf(document.value ?? Object.create(null));
  for (const issue of found) issues.push(...issuesOf(issue));
  issues.push(...unsupported(settings));
  return resolveConfig(settings, { base, refused, say: (issue) => issues.push(issue) });
}

/** A zod issue as ours. Leaves put message and remedy into `params`; group() puts the known keys into the message. */
function issuesOf(issue: z.core.$ZodIssue): readonly Issue[] {
  const path = issue.path.map((s) => (typeof s === 'number' ? s : String(s)));
  if (issue.code === 'unrecognized_keys') {
    const known = JSON.parse(issue.message) as string[];
    return issue.keys.map((key) => {
      const meant = nearest(key, known);
      return {
        ...invalid(
          [...path, key],
          `there is no key ${JSON.stringify(key.slice(0, 64))} here`,
          meant ? `did you mean ${meant}?` : `known keys: ${known.join(', ')}`,
        ),
        at: 'key',
        code: 'unknown-key',
      };
    });
  }
  const params = issue.code === 'custom' ? (issue.params as ProblemParams | undefined) : undefined;
  if (params && !isMissing(issue)) return [invalid(path, params.message, params.remedy)];
  const key = String(path.at(-1) ?? '');
  return [{ ...invalid(path, 'is missing', `add ${key}`), code: 'missing' }];
}

function diagnosticOf(found: Omit<ConfigDiagnostic, 'file'>, file: string): ConfigDiagnostic {
  const { severity, path, line, column, code, message, remedy } = found;
  return { severity, file, path, line, column, code, message, remedy };
}

function byPlace(a: ConfigDiagnostic, b: ConfigDiagnostic): number {
  return a.line - b.line || a.column - b.column;
}

function failed(errors: readonly ConfigDiagnostic[]): LoadResult {
  return { ok: false, errors, warnings: [] };
}

/** The file's text, or what is wrong with the file. */
function readText(file: string): string | Omit<ConfigDiagnostic, 'file'> {
  const trouble = (message: string, remedy: string) =>
    ({ severity: 'error', path: '', line: 1, column: 1, code: 'unreadable', message, remedy }) as const;
  let bytes: Buffer;
  try {
    const facts = statSync(file);
    if (facts.isDirectory()) return trouble('is a folder', 'name the configuration file in it');
    if (facts.size > MAX_TEXT * 4) return trouble('is too large', 'name the right file');
    bytes = readFileSync(file);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code;
    if (why === 'ENOENT') return trouble('there is no such file', 'create it, or name another with -c');
    return trouble(`cannot be read (${why ?? 'unreadable'})`, 'check its permissions');
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return trouble('is not UTF-8 text', 'save it as UTF-8');
  }
}
