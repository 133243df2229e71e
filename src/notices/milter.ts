/** Notices of the milter side: conversations, verdicts, edits, failures. See index.ts for the rules. */
import type { NoticeKind } from './index.ts';

export const milterNotices = {
  'milter.verdict': { level: 'info', says: 'a filter decided' },
  'milter.edited': { level: 'debug', says: 'a filter changed the message' },
  'milter.failed': { level: 'warn', says: 'a filter could not be used' },
} as const satisfies Record<string, NoticeKind>;
