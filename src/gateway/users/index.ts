/** Who may authenticate: users, their passwords, and what failures cost. */
export { hashPassword } from './new-hash.ts';
export { accountsOf, type Accounts, type SignIn, type Standing } from './accounts.ts';
export { Users } from './users.ts';
export { authOptions } from './options.ts';
