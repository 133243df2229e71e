/** Notices of gateway. See index.ts for the rules. */
import type { NoticeKind } from './index.ts';

export const gatewayNotices = {} as const satisfies Record<string, NoticeKind>;
