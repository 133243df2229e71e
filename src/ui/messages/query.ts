/** Conditions of the address made into those of the API. Pure. */

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Milliseconds of `500ms`, `30s`, `5m`, `2h`, `1d`, or of a bare number of them; null for anything else. */
export function durationOf(text: string): number | null {
  const found = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)?$/.exec(text.trim());
  if (!found) return null;
  return Math.round(Number(found[1]) * UNITS[found[2] ?? 'ms']!);
}

/** A time as milliseconds since 1970: ISO 8601 (UTC unless it says otherwise), or a span back from now. */
export function instantOf(text: string, now: number = Date.now()): number | null {
  const back = /^-?\d/.test(text) ? durationOf(text.replace(/^-/, '')) : null;
  if (back !== null && /[a-z]$/.test(text)) return now - back;
  const time = Date.parse(/[zZ]|[+-]\d\d:\d\d$/.test(text) ? text : /T/.test(text) ? `${text}Z` : text);
  return Number.isFinite(time) ? time : null;
}

/** The parameters of a request; what cannot be understood is passed on, so that the gateway says what is wrong with it. */
export function requestOf(parameters: URLSearchParams, words: readonly string[]): Record<string, string> {
  const request: Record<string, string> = {};
  for (const word of words) {
    const value = parameters.get(word);
    if (value === null || value === '') continue;
    if (word === 'slower') request[word] = String(durationOf(value) ?? value);
    else if (word === 'since' || word === 'until') request[word] = String(instantOf(value) ?? value);
    else request[word] = value;
  }
  return request;
}
