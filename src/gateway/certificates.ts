/**
 * The certificates of the gateway: read at start and reload, read again when their files change, handed out as TLS contexts.
 *
 * At start and reload what cannot be used throws CertificateError and nothing has changed. Later on, a pair that cannot be read
 * or does not fit leaves the last good one in use and is noticed once; each pair and the authorities stand by themselves.
 * Sessions under way are never touched: a new certificate counts from the next handshake on.
 */
import { stat } from 'node:fs/promises';
import type { TlsConfig } from '#gateway/config';
import { fileState } from './file-state.ts';
import type { Surroundings } from './gateway.ts';
import type { Certificate } from './metrics/index.ts';
import { CertificateError, readAuthorities, readPair, type KeyPair, type PairFiles } from './key-pair.ts';
import { ListenerContexts, materialOf, type ContextSource, type TlsDemand } from './tls-contexts.ts';
import { WatchedFiles } from './watched-files.ts';

const DAY = 86_400_000;
/** A certificate with less time left is warned of, when it is read and once a day: 14 days. */
const EXPIRY_WARNING = 1_209_600_000;
/** After so many milliseconds ticket keys are replaced: 24 hours. */
const TICKET_KEY_LIFE = 86_400_000;
/** Files found unusable are read once more after so many milliseconds before it is said: they may be half written. */
const SECOND_LOOK = 1_000;

/** The certificates of the configuration in use. */
export class Certificates {
  readonly #around: Surroundings;
  #asked: CertificateSet | null = null;
  #inUse: CertificateSet | null = null;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** Reads those of a configuration; null for none. Throws CertificateError. They are watched once settle() is called. */
  of(tls: TlsConfig | null): CertificateSet | null {
    this.#asked = tls && new CertificateSet(tls, this.#around);
    return this.#asked;
  }

  /** The configuration asked for last is in use: its files are watched, those of the one before no more. */
  settle(): void {
    this.#inUse?.close();
    this.#inUse = this.#asked;
    this.#inUse?.watch();
  }

  /** Those in use. */
  get present(): readonly Certificate[] {
    return this.#inUse?.certificates ?? [];
  }

  close(): void {
    this.#inUse?.close();
  }
}

/** The certificates of one configuration. */
export class CertificateSet {
  readonly #tls: TlsConfig;
  readonly #around: Surroundings;
  readonly #pairs: readonly Part<KeyPair>[];
  readonly #authorities: Part<Buffer> | null;
  readonly #listeners: ListenerContexts[] = [];
  #keysSince: number;
  #watched: WatchedFiles | null = null;
  #looking = false;
  #lookAgain = false;

  /** Reads all files. Throws CertificateError. */
  constructor(tls: TlsConfig, around: Surroundings) {
    this.#tls = tls;
    this.#around = around;
    this.#pairs = [tls, ...tls.certificates].map((files) => pairPart(files));
    this.#authorities = tls.clientCa === '' ? null : authoritiesPart(tls.clientCa);
    this.#keysSince = around.clock.elapsed();
  }

  /** The contexts of a listener; they follow the files. `secureContextFor` is lacking when there is one certificate alone. */
  contextsFor(
    demand: Omit<TlsDemand, 'minVersion'>,
  ): Pick<ContextSource, 'secureContext'> & Partial<ContextSource> {
    const contexts = new ListenerContexts(this.#material(), { ...demand, minVersion: this.#tls.minVersion });
    this.#listeners.push(contexts);
    const { secureContext, secureContextFor } = contexts;
    return this.#pairs.length > 1 ? { secureContext, secureContextFor } : { secureContext };
  }

  /** Which there are, and when they end. */
  get certificates(): readonly Certificate[] {
    return this.#pairs.map(({ files, value }) => ({ name: files[0]!, expires: value.expires }));
  }

  /** From now on changes of the files count. */
  watch(): void {
    this.#warnOfExpiry();
    const files = [...this.#pairs, ...(this.#authorities ? [this.#authorities] : [])].flatMap((p) => p.files);
    this.#watched = new WatchedFiles(files, this.#around.clock, () => void this.#look());
  }

  close(): void {
    this.#watched?.close();
    this.#watched = null;
  }

  /** One look at a time; a change reported meanwhile is looked at afterwards. */
  async #look(): Promise<void> {
    this.#lookAgain = true;
    if (this.#looking) return;
    this.#looking = true;
    try {
      while (this.#lookAgain) {
        this.#lookAgain = false;
        await this.#refresh();
      }
    } finally {
      this.#looking = false;
    }
  }

  async #refresh(): Promise<void> {
    const renewed: string[] = [];
    for (const part of [...this.#pairs, ...(this.#authorities ? [this.#authorities] : [])]) {
      const found = await part.refresh();
      if (this.#watched === null) return; // closed while we looked
      if (found === 'new') renewed.push(...part.files);
      else if (found === 'doubtful') this.#watched.lookSoon(SECOND_LOOK);
      else if (found !== 'same') this.#refused(found);
    }
    const { clock, notices } = this.#around;
    if (renewed.length === 0 && clock.elapsed() - this.#keysSince < TICKET_KEY_LIFE) return;
    this.#keysSince = clock.elapsed();
    const material = this.#material();
    for (const contexts of this.#listeners) contexts.renew(material);
    if (renewed.length > 0) notices('gateway.certificate-renewed', { files: renewed });
    this.#warnOfExpiry();
  }

  #refused({ code, file, message }: CertificateError): void {
    this.#around.notices('gateway.certificate-refused', { file, code, reason: message });
  }

  #material(): ReturnType<typeof materialOf> {
    return materialOf(
      this.#pairs.map(({ value }) => value),
      this.#authorities?.value ?? null,
    );
  }

  #warnOfExpiry(): void {
    const { clock, notices } = this.#around;
    for (const { files, value } of this.#pairs) {
      const left = value.expires - clock.now();
      if (left >= EXPIRY_WARNING) continue;
      const expires = new Date(value.expires).toISOString();
      notices('gateway.certificate-expires', { file: files[0]!, expires, days: Math.floor(left / DAY) });
    }
  }
}

/** What is read from files that belong together, and the last good reading of it. */
class Part<T> {
  readonly files: readonly string[];
  value: T;
  readonly #read: () => T;
  readonly #same: (a: T, b: T) => boolean;
  /** The state of the files that was read last, and the one that was found unusable once. */
  #seen = '';
  #doubted = '';

  constructor(files: readonly string[], read: () => T, same: (a: T, b: T) => boolean) {
    this.files = files;
    this.#read = read;
    this.#same = same;
    this.value = read();
  }

  /** Reads again if the files changed. `doubtful`: unusable, and to be looked at once more before it is an error. */
  async refresh(): Promise<'same' | 'new' | 'doubtful' | CertificateError> {
    const state = (await Promise.all(this.files.map(stateOf))).join();
    if (state === this.#seen) return 'same';
    let next: T;
    try {
      next = this.#read();
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      if (state === this.#doubted) this.#seen = state;
      this.#doubted = state;
      return state === this.#seen ? error : 'doubtful';
    }
    this.#seen = state;
    if (this.#same(next, this.value)) return 'same';
    this.value = next;
    return 'new';
  }
}

function pairPart(files: PairFiles): Part<KeyPair> {
  return new Part(
    [files.certificate, files.key],
    () => readPair(files),
    (a, b) => a.cert.equals(b.cert) && a.key.equals(b.key),
  );
}

function authoritiesPart(file: string): Part<Buffer> {
  return new Part(
    [file],
    () => readAuthorities(file),
    (a, b) => a.equals(b),
  );
}

/** Which file stands there now, and since when; follows links. */
async function stateOf(file: string): Promise<string> {
  try {
    return fileState(await stat(file));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unreadable';
  }
}
