/** The size notation of the configuration. Pure; answers null for what is no size. */

const UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/**
 * `"50MB"`, `"64KiB"`, `"1G"` or a number of bytes, to bytes; null when it is no size. MB and MiB are the same 1048576 bytes,
 * as in the specification, which writes 52428800 as 50 MB.
 */
export function parseSize(value: string | number): number | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : null;
  const m = /^(\d{1,15})\s*(?:([KMG])(?:i?B)?|B)?$/i.exec(value.trim());
  if (!m) return null;
  const bytes = Number(m[1]) * UNITS[(m[2] ?? '').toUpperCase()]!;
  return Number.isSafeInteger(bytes) ? bytes : null;
}
