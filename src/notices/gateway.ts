/** Notices of the gateway as a process: start, reload, drain. See index.ts for the rules. */
import type { NoticeKind } from './index.ts';

export const gatewayNotices = {
  'gateway.started': { level: 'info', says: 'the gateway is ready' },
  'gateway.reloaded': { level: 'info', says: 'the new configuration is in use' },
  'gateway.reload-refused': { level: 'error', says: 'the new configuration is not used, the old one stays' },
  'gateway.config-warning': { level: 'warn', says: 'the configuration has a doubtful place' },
  'gateway.draining': { level: 'info', says: 'stopping: no new mail, what is under way is finished' },
  'gateway.stopped': { level: 'info', says: 'the gateway has stopped' },
  'gateway.fault': { level: 'error', says: 'an error of our own was caught at the edge of the process' },
} as const satisfies Record<string, NoticeKind>;
