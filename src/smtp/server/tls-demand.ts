/** What a listener demands of TLS before mail, and how it is said (RFC 3207 4, RFC 4954 4). Pure; never throws. */
import type { Origin, Status } from '#message';
import type { Settings } from './options.ts';
import { NEED_CERTIFICATE, NEED_TLS } from './texts.ts';

/** The reply to commands of mail from a client that has not done what the listener demands; null when it has. */
export function lackingTls(settings: Settings, { tls }: Origin): Status | null {
  const certificate = settings.clientCertificates === 'require';
  if (tls === null) return certificate || settings.tls === 'require' ? NEED_TLS : null;
  return certificate && tls.certCheck !== 'OK' ? NEED_CERTIFICATE : null;
}
