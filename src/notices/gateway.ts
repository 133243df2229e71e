/** Notices of the gateway as a process: start, reload, drain. See index.ts for the rules. */
import type { NoticeKind } from './index.ts';

export const gatewayNotices = {
  'gateway.started': { level: 'info', says: 'the gateway is ready' },
  'gateway.reloaded': { level: 'info', says: 'the new configuration is in use' },
  'gateway.reload-refused': { level: 'error', says: 'the new configuration is not used, the old one stays' },
  'gateway.config-warning': { level: 'warn', says: 'the configuration has a doubtful place' },
  'gateway.certificate-renewed': { level: 'info', says: 'changed certificate files are in use' },
  'gateway.certificate-refused': {
    level: 'error',
    says: 'changed certificate files cannot be used, what was read before stays in use',
  },
  'gateway.certificate-expires': { level: 'warn', says: 'a certificate ends soon or has ended' },
  'gateway.shedding': { level: 'warn', says: 'too busy: new connections are refused' },
  'gateway.shedding-over': { level: 'info', says: 'new connections are taken again' },
  'gateway.log-lost': { level: 'warn', says: 'log lines were dropped, as the log was not read' },
  'gateway.draining': { level: 'info', says: 'stopping: no new mail, what is under way is finished' },
  'gateway.stopped': { level: 'info', says: 'the gateway has stopped' },
  'gateway.worker-ended': {
    level: 'error',
    says: 'a worker has ended; its sessions are gone, another takes its place',
  },
  'gateway.worker-replaced': { level: 'info', says: 'a new worker listens in the place of one that ended' },
  'gateway.worker-failed': { level: 'error', says: 'a worker cannot start in the place of one that ended' },
  'gateway.users-read': { level: 'info', says: 'the users file was read' },
  'gateway.users-line': { level: 'warn', says: 'a line of the users file cannot be used' },
  'gateway.users-refused': {
    level: 'error',
    says: 'the users file cannot be used, the users read before stay',
  },
  'gateway.hash-thread-failed': {
    level: 'error',
    says: 'the thread that checks passwords failed and is replaced',
  },
  'gateway.fault': { level: 'error', says: 'an error of our own was caught at the edge of the process' },
} as const satisfies Record<string, NoticeKind>;
