/** Notices of spool. See index.ts for the rules. */
import type { NoticeKind } from './index.ts';

export const spoolNotices = {
  'spool.recovered': { level: 'info', says: 'the spool was put in order after an earlier process' },
  'spool.notRecovered': { level: 'warn', says: 'a part of putting the spool in order has to wait' },
  'spool.damaged': { level: 'error', says: 'an entry of the spool is damaged and was set aside' },
  'spool.entryUnreadable': { level: 'error', says: 'an entry of the spool cannot be read; it is left out' },
  'spool.stranger': { level: 'warn', says: 'a file that is not of the spool was moved out of it' },
  'spool.storeDamaged': { level: 'error', says: 'a part of the spool was not usable and was moved aside' },
  'spool.storeCut': { level: 'error', says: 'the data file of the spool was shorter than it says' },
  'spool.unreadable': { level: 'error', says: 'the data file of the spool cannot be opened' },
  'spool.commitFailed': {
    level: 'error',
    says: 'a transaction of the spool failed and nothing of it exists',
  },
  'spool.noRoom': { level: 'error', says: 'the data file of the spool cannot grow' },
  'spool.reopened': { level: 'warn', says: 'the spool was opened again after a storage error' },
  'spool.leftover': { level: 'warn', says: 'a file of the spool could not be moved or removed' },
  'spool.low': { level: 'error', says: 'too little free space: new mail is refused for now' },
  'spool.spaceBack': { level: 'info', says: 'there is free space again: new mail is taken' },
} as const satisfies Record<string, NoticeKind>;
