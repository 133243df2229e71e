/** Notices of milter. See index.ts for the rules. */
import type { NoticeKind } from './index.ts';

export const milterNotices = {} as const satisfies Record<string, NoticeKind>;
