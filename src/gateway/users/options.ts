/** A listener's authentication as the SMTP server wants it. */
import type { ListenerConfig } from '#gateway/config';
import type { Authenticator, SmtpServerOptions } from '#smtp/server';

/** The `auth` option, or nothing for a listener without authentication. */
export function authOptions(
  { auth, insecureAuth }: Pick<ListenerConfig, 'auth' | 'insecureAuth'>,
  authenticator: Authenticator,
): Pick<SmtpServerOptions, 'auth'> {
  if (auth === 'off') return {};
  return { auth: { required: auth === 'required', insecure: insecureAuth, authenticator } };
}
