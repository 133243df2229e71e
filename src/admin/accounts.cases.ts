/** For tests of the interface: users who may sign in, as a list that tests change. */
import type { Accounts, Standing } from '#gateway';

/** One of them. */
export interface TestAccount {
  password: string;
  standing: Standing | null;
}

/** Names and what they have; `busy` is a password that cannot be checked now. */
export function listedAccounts(accounts: Readonly<Record<string, TestAccount>> = {}): Accounts {
  return {
    check: async ({ name, password }) => {
      // As a thread would answer: later.
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (password === 'busy') return 'busy';
      return accounts[name]?.password === password ? 'right' : 'wrong';
    },
    standing: (name) => Promise.resolve(accounts[name]?.standing ?? null),
  };
}
