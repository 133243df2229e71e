/**
 * The users who may sign in to the interface for operators: those of `admin.users`, with the passwords they have for mail.
 *
 * Asked for each request, so that whoever loses the right, or gets another password, is out at once. A password is checked on the
 * thread of the users and costs the same for a name that nobody has. Never rejects.
 */
import type { AdminConfig, Scope } from '#gateway/config';
import { byteStringOf } from '#message';
import type { Users } from './users.ts';

/** What a user may do now. */
export interface Standing {
  readonly scope: Scope;
  /** Changes with the password; tells nothing about it. */
  readonly mark: string;
}

/** A name and a password as they were typed, and from where. */
export interface SignIn {
  readonly name: string;
  readonly password: string;
  /** Address; '' at a unix socket. */
  readonly client: string;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** See above. */
export interface Accounts {
  /** Whether that is the password of a user, whatever that one may do; `busy`: cannot be found out now. */
  check(attempt: SignIn): Promise<'right' | 'wrong' | 'busy'>;
  /** What a user may do; null: nothing, or nobody is called that. */
  standing(name: string): Promise<Standing | null>;
}

/** `admin`: the interface as it is configured now. */
export function accountsOf(users: Users, admin: () => AdminConfig | null): Accounts {
  return {
    async check({ name, password, client, signal }) {
      const attempt = { name: byteStringOf(name), password: byteStringOf(password), client, signal };
      const { kind } = await users.verify({ ...attempt, failures: 0 });
      if (kind === 'wrong') users.failed(client);
      return kind;
    },
    async standing(text) {
      const name = byteStringOf(text);
      const listed = admin()?.users.find((user) => user.name === name);
      const mark = listed ? await users.markOf(name) : null;
      return listed && mark !== null ? { scope: listed.scope, mark } : null;
    },
  };
}
