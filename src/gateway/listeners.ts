/** A listener of the configuration as the SMTP server wants it: addresses, limits, certificate. */
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Config, ListenerConfig } from '#gateway/config';
import { DEFAULT_LIMITS, type SmtpServerOptions } from '#smtp/server';

/** Addresses as the server takes them. */
export function bindTexts(listener: ListenerConfig): readonly string[] {
  return listener.bind.map((address) => {
    if (address.kind === 'unix') return `unix:${address.path}`;
    return address.host.includes(':')
      ? `[${address.host}]:${address.port}`
      : `${address.host}:${address.port}`;
  });
}

/** What a session of this listener is made from, but for its handler and surroundings. Throws when the certificate is unusable. */
export function listenerOptions(
  config: Config,
  listener: ListenerConfig,
): Pick<
  SmtpServerOptions,
  | 'hostname'
  | 'listener'
  | 'protocol'
  | 'tls'
  | 'bareLineEnds'
  | 'limits'
  | 'secureContext'
  | 'requestClientCertificate'
> {
  const { name, protocol, tls, bareLineEnds } = listener;
  const { maxMessageSize, maxRecipients, maxConnections, maxConnectionsPerClient } = listener;
  // Room for every recipient that may be named, and for some that are refused.
  const maxCommands = Math.max(DEFAULT_LIMITS.maxCommands, 2 * maxRecipients);
  const limits = { maxMessageSize, maxRecipients, maxConnections, maxConnectionsPerClient, maxCommands };
  const options = { hostname: config.hostname, listener: name, protocol, tls, bareLineEnds, limits };
  if (tls === 'off') return options;
  const context = secureContextOf(config);
  const requestClientCertificate = config.tls !== null && config.tls.clientCa !== '';
  return { ...options, secureContext: () => context, requestClientCertificate };
}

function secureContextOf({ tls }: Config): SecureContext {
  if (!tls) throw new Error('a listener wants TLS and there is no certificate');
  return createSecureContext({
    cert: readFileSync(tls.certificate),
    key: readFileSync(tls.key),
    ...(tls.clientCa && { ca: readFileSync(tls.clientCa) }),
    minVersion: 'TLSv1.2',
  });
}
