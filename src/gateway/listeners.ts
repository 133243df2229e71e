/** A listener of the configuration as the SMTP server wants it: addresses, limits, certificate. */
import type { Config, ListenerConfig } from '#gateway/config';
import type { SmtpServerOptions } from '#smtp/server';
import type { CertificateSet } from './certificates.ts';

/** Addresses as the server takes them. */
export function bindTexts(listener: ListenerConfig): readonly string[] {
  return listener.bind.map((address) => {
    if (address.kind === 'unix') return `unix:${address.path}`;
    return address.host.includes(':')
      ? `[${address.host}]:${address.port}`
      : `${address.host}:${address.port}`;
  });
}

/** What a session of this listener is made from, but for its handler and surroundings. */
export function listenerOptions(
  config: Config,
  listener: ListenerConfig,
  certificates: CertificateSet | null,
): Pick<
  SmtpServerOptions,
  | 'hostname'
  | 'listener'
  | 'protocol'
  | 'dsn'
  | 'tls'
  | 'bareLineEnds'
  | 'refuseEarlyTalkers'
  | 'limits'
  | 'secureContext'
  | 'secureContextFor'
  | 'clientCertificates'
> {
  const { name, protocol, tls, bareLineEnds, refuseEarlyTalkers } = listener;
  // Without a queue nobody sends the notices that a next hop does not know.
  const dsn = listener.dsn && config.delivery.mode === 'queue';
  const { maxMessageSize, maxRecipients, maxConnectionsPerClient } = listener;
  // The workers get connections in turn, so each has its share of them.
  const maxConnections = Math.ceil(listener.maxConnections / config.workers);
  const own = { maxMessageSize, maxRecipients, maxConnections, maxConnectionsPerClient };
  const limits = { ...listener.limits, ...own };
  const rules = { bareLineEnds, refuseEarlyTalkers, limits };
  const options = { hostname: config.hostname, listener: name, protocol, dsn, tls, ...rules };
  if (tls === 'off') return options;
  const { clientCertificates } = listener;
  return {
    ...options,
    ...certificates?.contextsFor({ listener: name, clientCertificates }),
    clientCertificates,
  };
}
