/** Notices of smtp. See index.ts for the rules. */
import type { NoticeKind } from './index.ts';

export const smtpNotices = {} as const satisfies Record<string, NoticeKind>;
