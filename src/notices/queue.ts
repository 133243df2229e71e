/** Notices of what operators do to the queue, and of the interface they do it by. See index.ts for the rules. */
import type { NoticeKind } from './index.ts';

export const queueNotices = {
  'queue.ordered': { level: 'info', says: 'an operator gave an order about a message in the queue' },
  'queue.hold-expired': { level: 'warn', says: 'a message was held for too long and is given up' },
  'queue.sweep-failed': { level: 'error', says: 'held messages could not be looked through; trying again' },
  'queue.trail-failed': {
    level: 'error',
    says: 'the file of who did what to the queue cannot be written or read; orders are carried out nevertheless',
  },
  'admin.listening': { level: 'info', says: 'the interface for operators listens' },
  'admin.not-listening': {
    level: 'error',
    says: 'an address of the interface for operators cannot be opened; mail is not concerned',
  },
  'admin.token-made': { level: 'info', says: 'a token for the interface for operators was made' },
  'admin.refused': { level: 'warn', says: 'a request to the interface for operators had no valid token' },
  'admin.braked': {
    level: 'warn',
    says: 'many wrong tokens come from one address; they are answered with 429 and logged a hundred at a time',
  },
  'admin.changed': { level: 'info', says: 'an operator changed tokens or settings' },
  'config.history-failed': {
    level: 'error',
    says: 'a configuration could not be put into the history; the change itself is not concerned',
  },
  'config.not-put-back': {
    level: 'error',
    says: 'a configuration was refused and the old text could not be put back into the file',
  },
  'admin.tokens-unreadable': {
    level: 'error',
    says: 'the file of the tokens cannot be read; none of them opens anything',
  },
  'admin.tokens-unwritable': { level: 'error', says: 'the file of the tokens cannot be written' },
  'admin.fault': {
    level: 'error',
    says: 'a request to the interface for operators failed by our own mistake',
  },
} as const satisfies Record<string, NoticeKind>;
