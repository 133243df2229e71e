/** A time: short to read, in full as a tip, with a value for machines. */
import { ago, moment, momentInFull, timeOf } from './format.ts';
import { usePreferences } from './preferences.tsx';

interface Props {
  readonly at: number | string | null | undefined;
  readonly relative?: boolean;
  readonly fine?: boolean;
}

export function When({ at, relative = false, fine = false }: Props) {
  const { zone } = usePreferences();
  const time = timeOf(at);
  if (time === null) return <span className="dim">–</span>;
  return (
    <time dateTime={new Date(time).toISOString()} title={momentInFull(time, zone)} className="nowrap">
      {relative ? ago(time) : moment(time, zone, Date.now(), fine)}
    </time>
  );
}
