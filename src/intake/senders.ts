/** Whom an authenticated user may send as: the addresses and domains listed for him (RFC 6409 6.1). Pure; never throws. */
import { asciiLower, domainOf, status, type Path, type Status } from '#message';
import type { IntakeOptions } from './options.ts';

const NOT_YOURS = status(550, '5.7.1', 'Sender address not allowed for this user');

/**
 * null = `user` ('' = nobody) may use this sender; else the refusal. The null sender is everybody's. Letters are compared without
 * their case in the local part too: whoever may send as `Sales@` may send as `sales@`.
 */
export function senderRefusal(
  { sendersOf }: Pick<IntakeOptions, 'sendersOf'>,
  user: string,
  { address }: Path,
): Status | null {
  if (user === '' || address === '' || !sendersOf) return null;
  const allowed = sendersOf(user);
  if (allowed === null) return null;
  const sender = asciiLower(address);
  return allowed.includes(sender) || allowed.includes(`@${domainOf(sender)}`) ? null : NOT_YOURS;
}
