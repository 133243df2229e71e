/** Notices of what became of messages on their way in. See index.ts for the rules. */
import type { NoticeKind } from './index.ts';

export const intakeNotices = {
  'message.accepted': { level: 'info', says: 'message accepted' },
  'message.discarded': { level: 'info', says: 'message discarded by order of a filter' },
  'message.refused': { level: 'info', says: 'message refused after its content' },
  'message.not-stored': { level: 'error', says: 'the spool could not take a message' },
} as const satisfies Record<string, NoticeKind>;
