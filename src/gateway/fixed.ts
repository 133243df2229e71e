/** What of a configuration a running gateway cannot take over. Pure. */
import type { Config } from '#gateway/config';
import { spoolOf } from './spool.ts';

/** The first thing that differs and must not, as the beginning of a sentence; null when all may change. */
export function whatIsFixed(now: Config, next: Config): string | null {
  if (spoolOf(next) !== spoolOf(now)) return 'stateDir, spool and shedding.freeDisk cannot change';
  if (next.workers !== now.workers) return 'workers cannot change';
  if (doorOf(next) !== doorOf(now)) return 'admin cannot change';
  if ((next.journal === null) !== (now.journal === null)) return 'the journal cannot be switched on or off';
  return null;
}

/** Where and how the interface for operators is opened; who of the users may sign in there is looked up each time. */
function doorOf({ admin }: Config): string {
  return JSON.stringify(admin && { ...admin, users: [] });
}
