/** Notices of the milter side: conversations, verdicts, edits, failures. See index.ts for the rules. */
import type { NoticeKind } from './index.ts';

export const milterNotices = {
  'milter.verdict': { level: 'info', says: 'a filter decided' },
  'milter.edited': { level: 'debug', says: 'a filter changed the message' },
  'milter.unavailable': {
    level: 'error',
    says: 'a filter keeps failing and is not tried until a probe succeeds',
  },
  'milter.not-tried': { level: 'debug', says: 'a filter that keeps failing was not tried' },
  'milter.back': { level: 'info', says: 'a filter can be used again' },
  'milter.pipeline-off': {
    level: 'warn',
    says: 'a filter does not answer what is written in one go, and is asked step by step',
  },
  'milter.reuse-off': { level: 'warn', says: 'a filter does not take a second client on a connection' },
  'milter.paused': { level: 'warn', says: 'an operator took a filter out: mail passes without it' },
  'milter.resumed': { level: 'info', says: 'a filter that was taken out is asked again' },
  'milter.reset': { level: 'info', says: 'an operator had everything learnt about a filter forgotten' },
  'milter.pauses-damaged': {
    level: 'error',
    says: 'the file of paused filters is none of ours and is not followed',
  },
  'milter.tested': { level: 'info', says: 'an operator tested the connection to a filter' },
  'milter.fault': {
    level: 'error',
    says: 'an error of our own while a filter was asked; the message is put off',
  },
  'milter.failed': { level: 'warn', says: 'a filter could not be used' },
} as const satisfies Record<string, NoticeKind>;
