/**
 * The tokens that open the HTTP API: the configured one, and those that were made, which live in `stateDir/tokens.json`.
 *
 * Of a token only its SHA-256 is kept; it is told once, when it is made. What is made or revoked is on disk before it is
 * answered; when a token was used last is written a while later. A file that cannot be read opens nothing and is never written
 * over. Compared in constant time, with all of them. Secrets never get into a message.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Cancel, Clock } from '#clock';
import { replaceFile } from '#gateway';
import type { NoticeSink } from '#notices';
import { SCOPES, type Scope } from './needs.ts';

/** Name of the token of the configuration. */
export const DEFAULT_TOKEN = 'default';
/** Tokens that can be made. */
export const MAX_TOKENS = 100;
/** Longest text that is looked at as a token. */
export const MAX_TOKEN_TEXT = 512;
/** Milliseconds until it is written that a token was used. */
const USE_WRITTEN = 60_000;

/** What a token is called. */
export const TOKEN_NAME = /^[\w.@+-]{1,64}$/;

/** What is told of a token. Times in milliseconds since 1970. */
export interface TokenFacts {
  readonly name: string;
  readonly scope: Scope;
  /** null: it stands in the configuration. */
  readonly created: number | null;
  readonly lastUsed: number | null;
}

/** Whom a token belongs to. */
export type Holder = Pick<TokenFacts, 'name' | 'scope'>;

/** Why a token was not made. */
export type NotMade = 'taken' | 'full' | 'unwritable';
/** Why a token was not revoked. */
export type NotRevoked = 'absent' | 'configured' | 'unwritable';

interface Kept {
  readonly name: string;
  readonly scope: Scope;
  readonly digest: Buffer;
  readonly created: number | null;
  lastUsed: number | null;
}

const TIME = z.number().int().nonnegative();
const fileSchema = z.strictObject({
  version: z.literal(1),
  tokens: z
    .array(
      z.strictObject({
        name: z.string().regex(TOKEN_NAME),
        scope: z.enum(SCOPES),
        digest: z.string().regex(/^[0-9a-f]{64}$/),
        created: TIME,
        lastUsed: TIME.nullable(),
      }),
    )
    .max(MAX_TOKENS),
});

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Where tokens are kept, and with what. */
export interface TokensOptions {
  readonly file: string;
  readonly clock: Clock;
  readonly notices: NoticeSink;
}

export class Tokens {
  readonly #options: TokensOptions;
  readonly #kept = new Map<string, Kept>();
  /** The file is not what we wrote: it is left alone. */
  #damaged = false;
  #writing: Promise<unknown> = Promise.resolve();
  #later: Cancel | null = null;

  private constructor(options: TokensOptions) {
    this.#options = options;
  }

  /** Reads what is kept. Never rejects. */
  static async open(options: TokensOptions): Promise<Tokens> {
    const tokens = new Tokens(options);
    await tokens.#load();
    return tokens;
  }

  /** The token of the configuration. */
  configure(text: string): void {
    const lastUsed = this.#kept.get(DEFAULT_TOKEN)?.lastUsed ?? null;
    const facts = { name: DEFAULT_TOKEN, scope: 'admin', created: null, lastUsed } as const;
    this.#kept.set(DEFAULT_TOKEN, { ...facts, digest: digestOf(text) });
  }

  /** Whose token it is; null: nobody's. Takes the same time for every text. */
  holderOf(text: string): Holder | null {
    const shown = digestOf(text);
    let holder: Kept | null = null;
    for (const kept of this.#kept.values()) if (timingSafeEqual(kept.digest, shown)) holder = kept;
    if (holder === null) return null;
    holder.lastUsed = this.#options.clock.now();
    if (holder.created !== null) this.#writeLater();
    return { name: holder.name, scope: holder.scope };
  }

  /** All of them, the configured one first. */
  list(): readonly TokenFacts[] {
    return [...this.#kept.values()]
      .map(({ name, scope, created, lastUsed }) => ({ name, scope, created, lastUsed }))
      .toSorted((a, b) => (a.created ?? 0) - (b.created ?? 0));
  }

  /** Makes one. Its text is told here and never again. */
  async create(
    name: string,
    scope: Scope,
  ): Promise<{ readonly facts: TokenFacts; readonly token: string } | NotMade> {
    if (this.#damaged) return 'unwritable';
    if (name === DEFAULT_TOKEN || this.#kept.has(name)) return 'taken';
    if (this.#kept.size > MAX_TOKENS) return 'full';
    const token = `mlr_${randomBytes(32).toString('base64url')}`;
    const facts = { name, scope, created: this.#options.clock.now(), lastUsed: null };
    this.#kept.set(name, { ...facts, digest: digestOf(token) });
    if (await this.#write()) return { facts, token };
    this.#kept.delete(name);
    return 'unwritable';
  }

  /** Takes one back; it opens nothing any more from now on. null: done. */
  async revoke(name: string): Promise<NotRevoked | null> {
    if (name === DEFAULT_TOKEN) return 'configured';
    const kept = this.#kept.get(name);
    if (!kept) return 'absent';
    this.#kept.delete(name);
    if (await this.#write()) return null;
    this.#kept.set(name, kept);
    return 'unwritable';
  }

  /** Writes what waits to be written. */
  async close(): Promise<void> {
    if (this.#later) await this.#write();
    await this.#writing;
  }

  async #load(): Promise<void> {
    const { file, notices } = this.#options;
    try {
      const parsed = fileSchema.parse(JSON.parse(await readFile(file, 'utf8')));
      for (const { digest, ...facts } of parsed.tokens)
        if (facts.name !== DEFAULT_TOKEN)
          this.#kept.set(facts.name, { ...facts, digest: Buffer.from(digest, 'hex') });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      this.#damaged = true;
      const reason = error instanceof z.ZodError ? 'it is not what was written' : (code ?? 'it is no JSON');
      notices('admin.tokens-unreadable', { file, reason });
    }
  }

  #writeLater(): void {
    this.#later ??= this.#options.clock.after(USE_WRITTEN, () => void this.#write());
  }

  /** Writes all of them; whether that was possible. One at a time, so that the last one is the newest. */
  #write(): Promise<boolean> {
    this.#later?.();
    this.#later = null;
    const written = this.#writing.then(async () => {
      const { file, notices } = this.#options;
      const made = [...this.#kept.values()].filter(({ created }) => created !== null);
      const tokens = made.map(({ digest, ...facts }) => ({ ...facts, digest: digest.toString('hex') }));
      try {
        await replaceFile(file, `${JSON.stringify({ version: 1, tokens }, null, 2)}\n`, 0o600);
        return true;
      } catch (error) {
        notices('admin.tokens-unwritable', { file, error: String(error) });
        return false;
      }
    });
    this.#writing = written;
    return written;
  }
}
