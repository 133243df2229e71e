/**
 * The catalogue of everything the program may log or count.
 *
 * Each part of the house declares its notices in a file of its own here: name, level, one sentence. Whoever wants to say
 * something calls a NoticeSink with a name of the catalogue and its fields; the gateway turns notices into log lines and
 * counters. Nothing else writes to the log. Pure.
 */
import { deliveryNotices } from './delivery.ts';
import { gatewayNotices } from './gateway.ts';
import { intakeNotices } from './intake.ts';
import { journalNotices } from './journal.ts';
import { milterNotices } from './milter.ts';
import { queueNotices } from './queue.ts';
import { smtpNotices } from './smtp.ts';
import { spoolNotices } from './spool.ts';

/** How loud a notice is. */
export type Level = 'debug' | 'info' | 'warn' | 'error';

/** A catalogue row. */
export interface NoticeKind {
  readonly level: Level;
  /** One sentence for the log; fields follow it as data. */
  readonly says: string;
}

/** Every notice of the program by name. */
export const CATALOGUE = {
  ...smtpNotices,
  ...intakeNotices,
  ...milterNotices,
  ...spoolNotices,
  ...deliveryNotices,
  ...gatewayNotices,
  ...queueNotices,
  ...journalNotices,
} as const satisfies Record<string, NoticeKind>;

/** A name of the catalogue, `milter.failed` and the like. */
export type NoticeName = keyof typeof CATALOGUE;

/** What a notice carries: plain values; text may be a stranger's (the sink neutralises it). */
export type NoticeFields = Record<string, string | number | boolean | readonly string[] | undefined>;

/** Takes notices. Must not throw and must not block. */
export type NoticeSink = (name: NoticeName, fields: NoticeFields) => void;

/** A sink that hears nothing. */
export const silent: NoticeSink = () => {};
