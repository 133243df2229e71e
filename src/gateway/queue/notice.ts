/** What notices to senders say of us, by the configuration. */
import type { Returned } from '#delivery';
import type { Config } from '#gateway/config';

/** Facts that are the same for every notice. `expire`: life of the notice in milliseconds. */
export interface NoticeSettings {
  readonly hostname: string;
  readonly expire: number;
  readonly returned: Returned;
}

export function noticeSettings({ hostname, delivery }: Config): NoticeSettings {
  const { dsn, expire } = delivery;
  return { hostname, expire, returned: { full: dsn.return === 'full', maxSize: dsn.maxSize } };
}
