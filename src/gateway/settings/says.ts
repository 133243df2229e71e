/** What a filter's settings mean for mail, in one sentence. Pure. */
import type { MilterConfig } from '#gateway/config';

const MEANWHILE: Readonly<Record<MilterConfig['onError'], string>> = {
  tempfail: 'new mail gets 451 4.7.1 and its sender tries again later',
  accept: 'mail passes unfiltered',
  quarantine: 'mail is held until somebody releases it',
  reject: 'mail is refused for good (550 5.7.1)',
};

/** What happens to mail while the filter cannot be used. */
export function saysOf({ onError, enable }: MilterConfig): string {
  if (enable.constant === false) return 'No mail goes through this filter: enable is never true.';
  const whose = enable.constant === true ? '' : ', as far as it would go through it';
  return `While this filter cannot be used, ${MEANWHILE[onError]}${whose}.`;
}
