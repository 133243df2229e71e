/** Notices of smtp. See index.ts for the rules. */
import type { NoticeKind } from './index.ts';

export const smtpNotices = {
  'smtp.listening': { level: 'info', says: 'Listening for mail' },
  'smtp.listener-failed': { level: 'error', says: 'A listening socket failed' },
  'smtp.connection-refused': { level: 'warn', says: 'A connection was refused for its number' },
  'smtp.proxy-refused': {
    level: 'warn',
    says: 'A trusted proxy sent no valid PROXY header and its connection was closed',
  },
  'smtp.session-cut': { level: 'warn', says: 'A session was ended for what the client sent' },
  'smtp.content-refused': { level: 'info', says: 'Content broke a rule and was refused' },
  'smtp.auth-succeeded': { level: 'info', says: 'A client has authenticated' },
  'smtp.auth-failed': { level: 'warn', says: 'A client failed to authenticate' },
  'smtp.early-talker': { level: 'info', says: 'A client talked before the greeting and was cut off' },
  'smtp.starttls-injection': { level: 'warn', says: 'A client sent input behind STARTTLS and was cut off' },
  'smtp.tls-failed': { level: 'info', says: 'A TLS handshake failed' },
  'smtp.tls-unavailable': { level: 'error', says: 'The TLS certificate cannot be used' },
  'smtp.timeout': { level: 'info', says: 'A client was too slow and its session was ended' },
  'smtp.client-name-failed': { level: 'debug', says: 'The name of a client could not be found in time' },
  'smtp.socket-error': { level: 'debug', says: 'The connection of a client broke' },
  'smtp.internal-error': { level: 'error', says: 'An internal error ended a session' },
} as const satisfies Record<string, NoticeKind>;
