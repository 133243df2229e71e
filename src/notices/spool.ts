/** Notices of spool. See index.ts for the rules. */
import type { NoticeKind } from './index.ts';

export const spoolNotices = {} as const satisfies Record<string, NoticeKind>;
