/** The order of hosts: by preference, those of one preference in random order (RFC 5321 5.1). Pure. */

/** A sorted copy. `random` is 0 up to 1. */
export function inRandomOrder<H extends { readonly preference: number }>(
  hosts: readonly H[],
  random: () => number,
): readonly H[] {
  if (hosts.length < 2) return hosts;
  const drawn = hosts.map((host) => ({ host, lot: random() }));
  return drawn
    .toSorted((a, b) => a.host.preference - b.host.preference || a.lot - b.lot)
    .map(({ host }) => host);
}
