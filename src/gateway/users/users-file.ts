/**
 * The users file: one user a line, `name:hash[:sender,sender...]`; empty lines and those that begin with `#` say nothing.
 *
 * Read when the gateway starts and again when it has changed, which is looked for when somebody authenticates. A line that cannot be
 * used is said with its number and left out; a file that cannot be used leaves the users as they were. Never throws.
 */
import { readFile, stat } from 'node:fs/promises';
import { readFileSync, statSync, type Stats } from 'node:fs';
import type { Clock } from '#clock';
import { parsePasswordHash, senderPattern, userName, type UserConfig } from '#gateway/config';
import type { NoticeSink } from '#notices';
import { atRest, fileState } from '../file-state.ts';

/** Bytes of the file. */
const MAX_USERS_FILE = 8 * 1024 * 1024;
/** Lines said of one file that cannot be used. */
const MAX_SAID_LINES = 20;
/** Milliseconds between two looks at the file. */
const LOOK = 1000;

/** A line that cannot be used, and why. */
export interface BadLine {
  readonly line: number;
  readonly reason: string;
}

/** The users of one file. */
export class UsersFile {
  readonly path: string;
  /** As the last usable file had them. */
  users: readonly UserConfig[] = [];
  readonly #clock: Clock;
  readonly #notices: NoticeSink;
  /** Which state of the file was read. */
  #state = '';
  #lookedAt: number;
  #looking: Promise<boolean> | null = null;

  /** Reads the file, at once. */
  constructor(path: string, clock: Clock, notices: NoticeSink) {
    this.path = path;
    this.#clock = clock;
    this.#notices = notices;
    this.#lookedAt = clock.elapsed();
    try {
      const facts = statSync(path);
      if (this.#mayRead(facts)) this.#take(readFileSync(path), fileState(facts));
    } catch (error) {
      this.#refuse(reasonOf(error));
    }
  }

  /** Reads the file again when it has changed, at most once a second; whether it has other users now. */
  refresh(): Promise<boolean> {
    if (this.#looking) return this.#looking;
    if (this.#clock.elapsed() - this.#lookedAt < LOOK) return Promise.resolve(false);
    this.#lookedAt = this.#clock.elapsed();
    this.#looking = this.#look().finally(() => (this.#looking = null));
    return this.#looking;
  }

  async #look(): Promise<boolean> {
    try {
      const facts = await stat(this.path);
      const state = fileState(facts);
      if (state === this.#state || !atRest(facts, this.#clock.now())) return false;
      return this.#mayRead(facts) && this.#take(await readFile(this.path), state);
    } catch (error) {
      this.#refuse(reasonOf(error));
      return false;
    }
  }

  #mayRead(facts: Stats): boolean {
    const reason = !facts.isFile() ? 'it is no file' : facts.size > MAX_USERS_FILE ? 'it is too large' : '';
    if (reason !== '') this.#refuse(reason);
    return reason === '';
  }

  #take(bytes: Buffer, state: string): boolean {
    this.#state = state;
    const { users, bad } = parseUsers(bytes.toString('utf8'));
    for (const { line, reason } of bad.slice(0, MAX_SAID_LINES))
      this.#notices('gateway.users-line', { file: this.path, line, reason });
    if (users.length === 0 && bad.length > 0) {
      this.#notices('gateway.users-refused', { file: this.path, reason: 'no line of it can be used' });
      return false;
    }
    this.users = users;
    this.#notices('gateway.users-read', { file: this.path, users: users.length, badLines: bad.length });
    return true;
  }

  /** Says so once for each reason. */
  #refuse(reason: string): void {
    if (this.#state === reason) return;
    this.#state = reason;
    this.#notices('gateway.users-refused', { file: this.path, reason });
  }
}

/** The users of a text, and the lines that are none. Of two lines with one name the first counts. */
export function parseUsers(text: string): { readonly users: UserConfig[]; readonly bad: BadLine[] } {
  const users = new Map<string, UserConfig>();
  const bad: BadLine[] = [];
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const user = parseUser(line);
    if (typeof user === 'string') bad.push({ line: i + 1, reason: user });
    else if (users.has(user.name))
      bad.push({ line: i + 1, reason: 'the name stands in an earlier line too' });
    else users.set(user.name, user);
  }
  return { users: [...users.values()], bad };
}

/** A user, or what is wrong with the line. */
function parseUser(line: string): UserConfig | string {
  const [name = '', hash = '', list, ...more] = line.split(':');
  const known = userName(name);
  if (known === null) return 'it does not begin with a user name and a colon';
  const password = parsePasswordHash(hash);
  if (password === null) return 'what follows the name is no password hash';
  if (more.length > 0) return 'there are too many colons';
  const written = (list ?? '').split(',').map((sender) => sender.trim());
  const senders = written.filter((sender) => sender !== '').map(senderPattern);
  if (senders.includes(null)) return 'a sender is neither an address nor @ and a domain';
  return { name: known, password, senders: senders.length > 0 ? (senders as string[]) : null };
}

function reasonOf(error: unknown): string {
  return `it cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unreadable'})`;
}
