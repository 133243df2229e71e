/**
 * The users of the gateway, those of the configuration and those of the users file: who they are, whether a password is theirs,
 * whom they may send as.
 *
 * One for all listeners. A name that stands in both is the configuration's. Passwords are checked on a thread of their own; a
 * name that nobody has costs and looks the same as one that somebody has. Never rejects, and says no password to anybody.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '#clock';
import type { Config, ScramHash, ScryptHash, UserConfig } from '#gateway/config';
import type { NoticeSink } from '#notices';
import type {
  Authenticator,
  MechanismName,
  PasswordAttempt,
  ScramCredentials,
  Verification,
} from '#smtp/server';
import { Decoys } from './decoys.ts';
import { Failures } from './failures.ts';
import { HashQueue } from './hash-queue.ts';
import { KnownPasswords } from './known-passwords.ts';
import { stateSecret } from './secret.ts';
import { UsersFile } from './users-file.ts';

const WITH_SCRAM: readonly MechanismName[] = ['SCRAM-SHA-256', 'PLAIN', 'LOGIN'];
const WITHOUT: readonly MechanismName[] = ['PLAIN', 'LOGIN'];

/** What this needs of a configuration. */
type UsersConfig = Pick<Config, 'stateDir' | 'users' | 'usersFile'>;

/** All users. */
export class Users implements Authenticator {
  readonly #clock: Clock;
  readonly #notices: NoticeSink;
  readonly #queue: HashQueue;
  readonly #failures: Failures;
  readonly #right: KnownPasswords;
  #secret: Uint8Array | null = null;
  #listed: readonly UserConfig[] = [];
  #file: UsersFile | null = null;
  #byName: ReadonlyMap<string, UserConfig> = new Map();
  #decoys = new Decoys([], new Uint8Array(32));
  #scram = false;

  constructor(clock: Clock, notices: NoticeSink, queue = new HashQueue(clock, notices)) {
    this.#clock = clock;
    this.#notices = notices;
    this.#queue = queue;
    this.#failures = new Failures(clock);
    this.#right = new KnownPasswords(clock);
  }

  /** From now on the users are those of `config`. The state folder is there. */
  configure({ stateDir, users, usersFile }: UsersConfig): void {
    this.#listed = users;
    if (usersFile === '') this.#file = null;
    else if (this.#file?.path !== usersFile)
      this.#file = new UsersFile(usersFile, this.#clock, this.#notices);
    if (users.length > 0 || this.#file) this.#secret ??= stateSecret(stateDir);
    this.#index();
  }

  /** No more checks. */
  close(): void {
    this.#queue.close();
  }

  mechanisms(): readonly MechanismName[] {
    void this.#fresh();
    return this.#scram ? WITH_SCRAM : WITHOUT;
  }

  /** Whom a user may send as: null = anybody; a user who is gone: nobody. */
  sendersOf(name: string): readonly string[] | null {
    const user = this.#byName.get(name);
    return user ? user.senders : [];
  }

  /** Something that changes when a user gets another password; null: there is no such user. */
  async markOf(name: string): Promise<string | null> {
    await this.#fresh();
    const user = this.#byName.get(name);
    return user
      ? createHash('sha256')
          .update(digestOf(hashOf(user)))
          .digest('base64')
      : null;
  }

  async verify(attempt: PasswordAttempt): Promise<Verification> {
    await this.#fresh();
    const { name, password, client, signal } = attempt;
    const user = this.#byName.get(name);
    const hash = user ? hashOf(user) : this.#decoys.hash(name);
    if (user && this.#right.has(name, digestOf(hash), password)) return { kind: 'right' };
    const right = await this.#queue.ask({
      name,
      password,
      hash,
      client,
      sessionFailures: attempt.failures,
      clientFailures: this.#failures.of(client),
      signal,
    });
    if (right === null) return { kind: 'busy' };
    if (!right || !user) return { kind: 'wrong', known: user !== undefined };
    this.#right.add(name, digestOf(hash), password);
    return { kind: 'right' };
  }

  async scram(name: string): Promise<ScramCredentials> {
    await this.#fresh();
    const own = this.#byName.get(name)?.password.scram;
    return { ...(own ?? this.#decoys.scram(name)), known: own !== undefined && own !== null };
  }

  failed(client: string): number {
    return this.#failures.add(client);
  }

  async #fresh(): Promise<void> {
    if (await this.#file?.refresh()) this.#index();
  }

  #index(): void {
    const all = [...(this.#file?.users ?? []), ...this.#listed];
    this.#byName = new Map(all.map((user) => [user.name, user]));
    const passwords = [...this.#byName.values()].map(({ password }) => password);
    this.#scram = passwords.some(({ scram }) => scram !== null);
    this.#decoys = new Decoys(passwords, this.#secret ?? new Uint8Array(32));
  }
}

/** What PLAIN and LOGIN are checked against. */
function hashOf({ password }: UserConfig): ScryptHash | ScramHash {
  return password.scrypt ?? password.scram!;
}

function digestOf(hash: ScryptHash | ScramHash): Uint8Array {
  return hash.kind === 'scrypt' ? hash.hash : hash.storedKey;
}
