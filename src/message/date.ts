/** Dates as mail writes them. */

let second = -1;
let text = '';

/** RFC 5322 3.3 in UTC: `Sun, 22 Nov 2026 18:55:00 +0000`. `ms` since 1970. The text of one second is made once. */
export function mailDate(ms: number): string {
  const s = Math.floor(ms / 1000);
  if (s !== second) {
    second = s;
    text = new Date(s * 1000).toUTCString().replace('GMT', '+0000');
  }
  return text;
}
