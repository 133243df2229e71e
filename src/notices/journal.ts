/** Notices of journal. See index.ts for the rules. */
import type { NoticeKind } from './index.ts';

export const journalNotices = {
  'journal.set-aside': {
    level: 'error',
    says: 'the journal could not be opened, was set aside and begins anew; mail is not concerned',
  },
  'journal.unusable': { level: 'error', says: 'there is no journal until the next start; mail goes on' },
  'journal.not-written': { level: 'warn', says: 'a part of the journal could not be written; mail goes on' },
  'journal.policy': { level: 'info', says: 'what is recorded of conversations was changed' },
} as const satisfies Record<string, NoticeKind>;
