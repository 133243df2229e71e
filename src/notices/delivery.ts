/** Notices of delivery. See index.ts for the rules. */
import type { NoticeKind } from './index.ts';

export const deliveryNotices = {} as const satisfies Record<string, NoticeKind>;
