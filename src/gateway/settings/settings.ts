/**
 * The configuration as operators change it: read, checked, compared, applied, taken back.
 *
 * A change is all or nothing: it is checked, written beside the file and renamed over it (so a crash leaves the old text or the new
 * one), and taken over by the running gateway; when that refuses it, the old text is put back. One at a time; who began from a text
 * that has changed since, by whomever, is told so. Without a file, or where it may not be written, nothing is changed and the
 * answers say why. Never rejects for anything a file, a text or an operator can cause.
 */
import { dirname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import type { Clock } from '#clock';
import {
  diagnosticLine,
  effectiveSettings,
  loadConfig,
  type Config,
  type ConfigDiagnostic,
  type LoadResult,
} from '#gateway/config';
import type { NoticeSink } from '#notices';
import { replaceFile } from '../replace-file.ts';
import { unifiedDiff } from './diff.ts';
import { readConfigFile, revisionOf, type ReadText } from './file.ts';
import { diffWithoutSecrets, secretsIn, without } from './hidden.ts';
import { History, type VersionLine } from './history.ts';
import { isLong, secretsOf } from './secrets.ts';

/** Where a gateway's configuration comes from. */
export interface ConfigHome {
  /** As it was named; null when it is built in. */
  readonly file: string | null;
  /** Lets the running gateway, all of its processes, read the file again; why everything stays as it was, or null. Must not reject. */
  readonly reload: () => Promise<string | null>;
}

/** What settings are made of. */
export interface SettingsOptions {
  readonly home: ConfigHome | null;
  /** The configuration in use. */
  readonly config: () => Config;
  readonly clock: Clock;
  readonly notices: NoticeSink;
}

/** The configuration's text. */
export interface ConfigTextNow {
  readonly text: string;
  readonly revision: string;
  readonly file: string | null;
  readonly writable: boolean;
  /** Why it is not writable, and what to do; ''. */
  readonly readOnly: string;
}

/** What is wrong with a text, or worth a second look. */
export interface Findings {
  readonly errors: readonly ConfigDiagnostic[];
  readonly warnings: readonly ConfigDiagnostic[];
}

/** A new text made from the one there is; or why that cannot be. */
export type Make = (
  text: string,
) => { readonly text: string } | { readonly trouble: string; readonly absent?: boolean };

/** What a change begins from. */
export interface Begin {
  /** The revision it begins from; null: whatever there is. */
  readonly ifMatch: string | null;
  /** Leave secrets out of the diff. */
  readonly hide?: boolean;
}

/** Who changes what, and from where. */
export interface Change extends Begin {
  readonly by: string;
  readonly summary: string;
}

/** What became of a change, or would. */
export type Outcome =
  | ({ readonly kind: 'done'; readonly revision: string; readonly diff: string } & Findings)
  /** The text has another revision by now. */
  | { readonly kind: 'stale'; readonly revision: string }
  | ({ readonly kind: 'invalid'; readonly revision: string; readonly diff: string } & Findings)
  /** The change cannot be made in this text; `absent`: what it is about is not there. */
  | { readonly kind: 'impossible'; readonly reason: string; readonly absent: boolean }
  /** The file may not be written; `text` is what would stand in it. */
  | { readonly kind: 'read-only'; readonly reason: string; readonly text: string }
  /** The gateway did not take it over; everything is as it was. */
  | { readonly kind: 'refused'; readonly reason: string };

/** Name of the folder of former configurations below stateDir. */
const HISTORY = 'config-history';
const BUILT_IN =
  'there is no configuration file: save the text as one, and start the gateway with it (-c FILE)';

export class Settings {
  readonly #options: SettingsOptions;
  readonly #history: History;
  /** The last change, whatever became of it. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: SettingsOptions) {
    this.#options = options;
    this.#history = new History(join(options.config().stateDir, HISTORY), options.notices);
  }

  /** The text as it stands in the file now; without a file, the settings in force as one would write them. */
  async read(): Promise<ConfigTextNow> {
    const { text, revision, readOnly } = await this.#now();
    return { text, revision, file: this.#options.home?.file ?? null, writable: readOnly === '', readOnly };
  }

  /** Every setting in force, secrets hidden. */
  inForce(): Readonly<Record<string, unknown>> {
    return effectiveSettings(this.#options.config(), false);
  }

  /** What takes every secret of the settings in force, and of those in the file, out of a text. */
  async sieve(): Promise<(text: string) => string> {
    const now = await this.#now();
    const secrets = [...secretsOf(this.#options.config()), ...secretsIn(now.text).filter(isLong)];
    return (text) => without(text, secrets);
  }

  /** What a text would mean if it stood in the file. */
  load(text: string): LoadResult {
    const file = this.#options.home?.file ?? null;
    const base = file === null ? process.cwd() : dirname(resolve(file));
    return loadConfig({ text, name: file ?? 'built in', base });
  }

  /** Everything that is wrong with a text. */
  check(text: string): Findings {
    const loaded = this.load(text);
    return { errors: loaded.ok ? [] : loaded.errors, warnings: loaded.warnings };
  }

  /** What a change would do; nothing is written. */
  async consider(make: Make, begin: Begin): Promise<Outcome> {
    return this.#prepare(await this.#now(), make, begin).outcome;
  }

  /** Makes a change. */
  apply(make: Make, change: Change): Promise<Outcome> {
    const applied = this.#last.then(() => this.#apply(make, change));
    this.#last = applied.catch(() => undefined);
    return applied;
  }

  /** Lets the gateway read its file again, whatever stands in it; why everything stays as it was, or ''. */
  reload(by: string): Promise<string> {
    const { home, notices } = this.#options;
    const reloaded = this.#last.then(async () => {
      const trouble = home ? await home.reload() : BUILT_IN;
      if (trouble === null) notices('admin.changed', { what: 'configuration', summary: 'read again', by });
      return trouble ?? '';
    });
    this.#last = reloaded.catch(() => undefined);
    return reloaded;
  }

  /** Configurations that were in force, the newest first. */
  async history(): Promise<readonly VersionLine[]> {
    return (await this.#history.list()).map(({ text: _text, ...line }) => line);
  }

  /** Goes back to one of them; the beginning of its revision is enough. */
  async rollback(revision: string, { ifMatch, by }: Omit<Change, 'summary'>): Promise<Outcome> {
    const found = (await this.#history.list()).filter((version) => version.revision.startsWith(revision));
    const [version] = found;
    if (!version || found.some((other) => other.revision !== version.revision))
      return {
        kind: 'impossible',
        absent: !version,
        reason: version ? 'several revisions begin like that' : 'there is no such revision',
      };
    return this.apply(() => version, { ifMatch, by, summary: `back to ${version.revision.slice(0, 12)}` });
  }

  async #now(): Promise<ReadText> {
    const { home, config } = this.#options;
    if (home?.file !== undefined && home.file !== null) return readConfigFile(home.file);
    const text = `# The settings in force.\n${stringify(effectiveSettings(config(), true), { aliasDuplicateObjects: false })}`;
    return { text, revision: revisionOf(text), readOnly: BUILT_IN, path: '' };
  }

  /** Everything up to the first write: the new text, and what would become of it. */
  #prepare(
    now: ReadText,
    make: Make,
    { ifMatch, hide = false }: Begin,
  ): { readonly text: string; readonly outcome: Outcome } {
    const fail = (outcome: Outcome): { text: string; outcome: Outcome } => ({ text: now.text, outcome });
    if (ifMatch !== null && ifMatch !== now.revision) return fail({ kind: 'stale', revision: now.revision });
    const made = make(now.text);
    if ('trouble' in made)
      return fail({ kind: 'impossible', reason: made.trouble, absent: made.absent ?? false });
    const { text } = made;
    const findings = this.check(text);
    const whole = unifiedDiff(now.text, text, this.#options.home?.file ?? 'millrace.yaml');
    const diff = hide ? diffWithoutSecrets(whole, now.text, text) : whole;
    const kind = findings.errors.length > 0 ? 'invalid' : 'done';
    return { text, outcome: { kind, revision: revisionOf(text), diff, ...findings } };
  }

  async #apply(make: Make, change: Change): Promise<Outcome> {
    const { by, summary } = change;
    const { clock, home, notices } = this.#options;
    const now = await this.#now();
    const { text, outcome } = this.#prepare(now, make, change);
    if (outcome.kind !== 'done' || text === now.text) return outcome;
    if (now.readOnly !== '' || !home) return { kind: 'read-only', reason: now.readOnly, text };
    const found = {
      revision: now.revision,
      at: clock.now(),
      by: '',
      summary: 'as it was found',
      text: now.text,
    };
    await this.#history.keep(found);
    const trouble = await this.#write(now.path, text);
    if (trouble !== null) return { kind: 'read-only', reason: trouble, text };
    const refused = await home.reload();
    if (refused !== null) {
      const lost = await this.#write(now.path, now.text);
      if (lost !== null) notices('config.not-put-back', { file: now.path, reason: lost });
      return { kind: 'refused', reason: refused };
    }
    const { revision } = outcome;
    await this.#history.keep({ revision, at: clock.now(), by, summary, text });
    notices('admin.changed', { what: 'configuration', summary, by, revision: revision.slice(0, 12) });
    return outcome;
  }

  async #write(path: string, text: string): Promise<string | null> {
    try {
      await replaceFile(path, text, 0o600);
      return null;
    } catch (error) {
      const why = (error as NodeJS.ErrnoException).code ?? String(error);
      return `the file cannot be replaced (${why}): the folder it is in must be writable, and the file no mount of its own`;
    }
  }
}

/** Errors in one line. */
export function errorLine(errors: readonly ConfigDiagnostic[]): string {
  return errors.map((d) => diagnosticLine(d)).join('; ');
}
