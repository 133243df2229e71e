/** Notices of delivery. See index.ts for the rules. */
import type { NoticeKind } from './index.ts';

export const deliveryNotices = {
  'delivery.delivered': { level: 'info', says: 'a recipient was delivered' },
  'delivery.deferred': {
    level: 'info',
    says: 'a recipient could not be delivered now and will be tried again',
  },
  'delivery.failed': { level: 'info', says: 'a recipient was refused for good' },
  'delivery.expired': { level: 'info', says: 'a recipient was given up after the time a message may wait' },
  'delivery.notice-made': { level: 'info', says: 'a notice to the sender was put into the queue' },
  'delivery.no-notice': { level: 'info', says: 'recipients failed and nobody is to be told' },
  'delivery.no-route': { level: 'warn', says: 'no route matches a recipient' },
  'delivery.route-error': { level: 'error', says: 'the condition of a route could not be evaluated' },
  'delivery.agent-error': { level: 'error', says: 'a delivery agent failed unexpectedly' },
  'delivery.busy': { level: 'debug', says: 'a destination has no room now; the message was put back' },
  'delivery.waits': {
    level: 'debug',
    says: 'a destination could not be reached lately; the message was put back until it is probed',
  },
  'delivery.unreached': {
    level: 'warn',
    says: 'a destination cannot be reached; all its messages wait, and one of them probes it after this time',
  },
  'delivery.reached-again': { level: 'info', says: 'a destination that could not be reached answers again' },
  'delivery.suspended': { level: 'warn', says: 'an operator took a destination or domain out of delivery' },
  'delivery.resumed': { level: 'warn', says: 'an operator put a destination or domain back into delivery' },
  'delivery.suspensions-damaged': {
    level: 'error',
    says: 'the file of suspended destinations cannot be understood; it was set aside, and nothing is suspended',
  },
  'delivery.rate-limited': {
    level: 'debug',
    says: 'a destination has had its messages for now; the message was put back until its turn',
  },
  'delivery.lease-lost': {
    level: 'warn',
    says: 'the claim on a message was lost while it was being delivered; its result was not recorded',
  },
  'delivery.hastened': {
    level: 'warn',
    says: 'messages that were due later than any retry, as after a clock set back, are tried now',
  },
  'delivery.store-trouble': { level: 'error', says: 'the spool failed while delivering; trying again' },
  'delivery.settle-fault': {
    level: 'error',
    says: 'the result of a delivery could not be recorded by a mistake of the program; the message will be tried again later',
  },
  'delivery.content-missing': { level: 'error', says: 'the bytes of a message could not be read' },
  'delivery.mailbox-trouble': { level: 'error', says: 'a mailbox folder could not be written' },
  'delivery.tls-fallback': { level: 'warn', says: 'TLS failed; the next hop is tried once without' },
  'delivery.plaintext-after-starttls': {
    level: 'warn',
    says: 'the next hop sent plaintext behind its answer to STARTTLS; it was thrown away',
  },
  'delivery.mail-host-skipped': {
    level: 'debug',
    says: 'a host that DNS names for mail of a domain is not used',
  },
  'delivery.hop-trouble': { level: 'info', says: 'a next hop could not be used; the next one is tried' },
} as const satisfies Record<string, NoticeKind>;
