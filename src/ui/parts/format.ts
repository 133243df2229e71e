/** Numbers, sizes, spans and times for people. Pure but for the zone of whoever looks. */

export type Zone = 'utc' | 'local';

const NUMBER = new Intl.NumberFormat('en-GB');

/** With separators. */
export const count = (n: number): string => NUMBER.format(n);

/** 901,120 B · 5.2 MB. */
export function bytes(n: number): string {
  if (n < 1000) return `${n} B`;
  for (const [unit, size] of [
    ['kB', 1e3],
    ['MB', 1e6],
    ['GB', 1e9],
  ] as const)
    if (n < size * 1000) return `${(n / size).toFixed(n < size * 10 ? 1 : 0)} ${unit}`;
  return `${(n / 1e12).toFixed(1)} TB`;
}

/** 0.4 ms · 12 ms · 3.1 s · 4 min · 2 h · 3 d. */
export function span(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return '–';
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} d`;
}

/** Milliseconds since 1970 of what the API gave as a number or as ISO 8601; null for neither. */
export function timeOf(value: number | string | null | undefined): number | null {
  if (value === null || value === undefined || value === '') return null;
  const time = typeof value === 'number' ? value : Date.parse(value);
  return Number.isFinite(time) ? time : null;
}

/** 2026-12-01 10:42:07, or only the time of day on the same day. */
export function moment(time: number, zone: Zone, now: number = Date.now(), fine = false): string {
  const [date, clock] = parts(time, zone, fine);
  return date === parts(now, zone, false)[0] ? clock : `${date} ${clock}`;
}

/** With date and zone, for tips and for machines. */
export function momentInFull(time: number, zone: Zone): string {
  const [date, clock] = parts(time, zone, true);
  return `${date} ${clock} ${zoneName(time, zone)}`;
}

/** UTC, or the difference to it. */
export function zoneName(time: number, zone: Zone): string {
  if (zone === 'utc') return 'UTC';
  const minutes = -new Date(time).getTimezoneOffset();
  const two = (n: number): string => String(n).padStart(2, '0');
  return `UTC${minutes < 0 ? '−' : '+'}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
}

function parts(time: number, zone: Zone, fine: boolean): [date: string, clock: string] {
  const offset = zone === 'utc' ? 0 : new Date(time).getTimezoneOffset() * 60_000;
  const iso = new Date(time - offset).toISOString();
  return [iso.slice(0, 10), iso.slice(11, fine ? 23 : 19)];
}

/** "3 min ago", "in 20 s". */
export function ago(time: number, now: number = Date.now()): string {
  const distance = now - time;
  return distance >= 0 ? `${span(Math.max(1000, distance))} ago` : `in ${span(-distance)}`;
}
