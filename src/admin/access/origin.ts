/**
 * What a browser says of itself: which name it was told to ask for, and which page made it ask. Pure.
 *
 * A page of somebody else can make a browser send requests here, with our cookie or under a name of its own that leads to this
 * machine (DNS rebinding). Both show in headers that a page cannot set.
 */

/** A host as headers write it, without its port, in lower case; null when it is none. */
export function hostIn(text: string): string | null {
  const [, bracketed, plain] = /^(?:\[([0-9a-f:.]{2,45})\]|([\w.-]{1,255}))(?::\d{1,5})?$/i.exec(text) ?? [];
  const host = bracketed ?? plain;
  return host === undefined ? null : host.toLowerCase().replace(/\.$/, '');
}

const LOOPBACK_NAME = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/;

/** Whether a request by that `Host` is for a door on loopback. `names`: what it is called besides. */
export function isHostOfOurs(host: string | undefined, names: ReadonlySet<string>): boolean {
  const name = hostIn(host ?? '');
  return name !== null && (LOOPBACK_NAME.test(name) || names.has(name));
}

/** Whether an address is of this machine itself. */
export function isLoopback(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/i.test(address);
}

/** What a request says of where it comes from. */
export interface Provenance {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** Sec-Fetch-Site. */
  readonly site: string | undefined;
}

/**
 * Whether the page of somebody else made a browser send this. `names`: hosts that count as ours besides the one that was asked
 * for, because a proxy before us may say another.
 */
export function isForeign({ host, origin, site }: Provenance, names: ReadonlySet<string>): boolean {
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  if (origin === undefined) return false;
  if (!URL.canParse(origin)) return true; // `null`, of a page that hides where it is from
  const from = new URL(origin);
  if (from.protocol !== 'http:' && from.protocol !== 'https:') return true;
  const name = hostIn(from.host);
  return from.host !== host?.toLowerCase() && !(name !== null && names.has(name));
}
