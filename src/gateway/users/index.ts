/** Who may authenticate: users, their passwords, and what failures cost. */
export { hashPassword } from './new-hash.ts';
export { Users } from './users.ts';
export { authOptions } from './options.ts';
