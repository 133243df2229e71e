/** For tests of other resources: a milter desk without filters. */
import type { Clock } from '#clock';
import { makeMilterDesk, Pauses, type MilterDesk } from '#gateway';
import type { NoticeSink } from '#notices';

/** Nothing may be asked of its configuration. */
export function idleMilters(clock: Clock, notices: NoticeSink): MilterDesk {
  const never = (): never => {
    throw new RangeError('no filter is asked for here');
  };
  const pauses = new Pauses({ file: '/nowhere/paused.json', clock, notices, follows: false, reset: never });
  return makeMilterDesk({ config: never, filters: () => [], pauses, intakeOf: never, clock, notices });
}
