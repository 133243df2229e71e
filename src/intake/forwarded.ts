/** What XFORWARD told of a message's way to our client, for its log line. A claim of the client's, used for nothing else. */
import type { Forwarded } from '#message';

/** `name=...`, `address=...` and so on, for what was said; undefined without XFORWARD. */
export function forwardedFacts(forwarded: Forwarded | undefined): readonly string[] | undefined {
  if (!forwarded) return undefined;
  return Object.entries(forwarded).flatMap(([key, value]: [string, string | number]) =>
    value === '' || value === 0 ? [] : [`${key}=${value}`],
  );
}
