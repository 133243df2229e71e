/** Notices of what became of messages on their way in. See index.ts for the rules. */
import type { NoticeKind } from './index.ts';

export const intakeNotices = {
  'sender.refused': {
    level: 'info',
    says: 'a sender was refused before any filter was asked, for what he is or for want of room',
  },
  'recipient.refused': { level: 'info', says: 'a recipient was refused before any filter was asked' },
  'recipients.read': { level: 'info', says: 'a changed list of recipients is in use' },
  'recipients.not-read': {
    level: 'error',
    says: 'a changed list of recipients cannot be used, the old one stays',
  },
  'call-ahead.no-answer': {
    level: 'warn',
    says: 'no next hop said whether it takes a recipient; the recipient is taken',
  },
  'message.accepted': { level: 'info', says: 'message accepted' },
  'message.discarded': { level: 'info', says: 'message discarded by order of a filter' },
  'message.passed': { level: 'info', says: 'message passed through to a next hop, which took it' },
  'through.trouble': {
    level: 'warn',
    says: 'a next hop gave no answer that could be passed on; the client is to try again',
  },
  'message.refused': { level: 'info', says: 'message refused after its content' },
  'message.not-stored': { level: 'error', says: 'the spool could not take a message' },
} as const satisfies Record<string, NoticeKind>;
