/** Trouble with a connection as a Status: always temporary, told in our own bland words (RFC 3463 X.4.x, X.5.x, X.7.x). Pure. */
import { status } from '#message';
import type { Status } from '#message';
import { ResolveFault } from './resolve.ts';
import { at } from './where.ts';
import { WireFault } from './wire.ts';

/** A fault that is no WireFault or ResolveFault is a bug and is thrown on. */
export function statusOfFault(fault: unknown, by: string): Status {
  if (fault instanceof ResolveFault)
    return at(
      'dns',
      fault.code === 'dns'
        ? status(451, '4.4.3', `no address of ${by} could be found: ${fault.message}`)
        : status(451, '4.4.4', `no address of ${by}: ${fault.message}`),
    );
  if (!(fault instanceof WireFault)) throw fault;
  switch (fault.code) {
    case 'refused':
      return at('connect', status(451, '4.4.1', `no connection to ${by}`));
    case 'timeout':
      return at('timeout', status(451, '4.4.2', `${by} did not answer in time`));
    case 'closed':
      return at('connect', status(451, '4.4.2', `the connection to ${by} was lost`));
    case 'protocol':
      return at('data', status(451, '4.5.0', `${by} broke the protocol: ${fault.message}`));
    case 'tls':
      return at('tls', status(451, '4.7.5', `TLS with ${by} failed`));
    case 'aborted':
      return at('local', status(451, '4.3.2', 'the delivery was interrupted'));
  }
}

/** Trouble after STARTTLS was agreed on and before the first answer under TLS: TLS failed, however the peer let that be known. */
export function statusOfTlsFault(fault: unknown, by: string): Status {
  const failed = fault instanceof WireFault && fault.code !== 'aborted';
  return statusOfFault(failed ? new WireFault('tls', fault.message, { cause: fault }) : fault, by);
}

/** A refusal of the host itself (greeting, EHLO) whatever its class: says nothing about the message, so it is temporary. */
export function hostRefusal(reply: Status): Status {
  if (reply.code >= 400 && reply.code < 500) return reply;
  return status(451, '4.3.2', `${reply.by} does not serve: ${reply.code} ${reply.text}`);
}
