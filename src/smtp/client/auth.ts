/**
 * Shows a next hop who we are: SASL PLAIN, or LOGIN where only that is offered (RFC 4954, RFC 4616).
 *
 * Called once per connection, after EHLO, by connection.ts, which also decides whether the connection may see a password. A
 * refusal says something about our account, not about the mail: it is temporary, 4.7.8 whatever the hop's own class. What the
 * hop says is not passed on, since it could hold what we said. Rejects with WireFault alone; logs nothing.
 */
import { status } from '#message';
import type { Status } from '#message';
import type { Extensions } from './extensions.ts';
import type { Timeouts } from './options.ts';
import type { Wire } from './wire.ts';

/** An account at a next hop; byte strings (UTF-8) without NUL. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** null = the hop took our word; else why the connection cannot be used. */
export async function authenticate(
  wire: Wire,
  { auth }: Extensions,
  { user, password }: Credentials,
  timeouts: Timeouts,
): Promise<Status | null> {
  const steps = auth.includes('PLAIN')
    ? [`AUTH PLAIN ${base64(`\0${user}\0${password}`)}`]
    : auth.includes('LOGIN')
      ? ['AUTH LOGIN', base64(user), base64(password)]
      : [];
  if (steps.length === 0) return status(451, '4.7.4', `${wire.by} offers neither AUTH PLAIN nor AUTH LOGIN`);
  let code = 334;
  for (const step of steps) {
    if (code !== 334) break;
    wire.command(`${step}\r\n`, 1);
    ({ code } = await wire.reply(timeouts.command));
  }
  if (code === 235) return null;
  return status(451, '4.7.8', `${wire.by} did not accept our user name and password (${code})`);
}

const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');
