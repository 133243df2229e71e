/** Who may authenticate: users, their passwords, and what failures cost. */
export { Users } from './users.ts';
export { authOptions } from './options.ts';
