/**
 * Which recipients of our own domains there are: by a list, by asking ahead, or not known at all.
 *
 * Speaks only of domains that mail is relayed to, and of a list's domains only (550 5.1.1); postmaster is always there
 * (RFC 5321 4.5.1). A list compares as next hops do: any case, quotes that need not be there ignored, nothing else; a
 * subaddress (`user+tag`) is an address of its own. One look-up, however long the list. Never throws; reads no file.
 */
import { asciiLower, domainOf, localPartOf, status, type Path, type Status } from '#message';
import { parseForwardPath } from '#smtp/protocol';
import type { Awaitable } from '#stages';

/** Whether a recipient of one of our domains exists: null = as far as is known, else the refusal. */
export type RecipientCheck = (recipient: Path) => Awaitable<Status | null>;

const NO_SUCH = status(550, '5.1.1', 'No such recipient here');
const POSTMASTER = 'postmaster';

/** What a list knows of an address; `elsewhere`: its domain is not on the list. */
export type Listed = 'known' | 'unknown' | 'elsewhere';

/** Recipients by domain. Filled once, then only asked. */
export class RecipientList {
  /** Lower-case local parts by lower-case domain; null: all there are. */
  readonly #domains = new Map<string, Set<string> | null>();
  #size = 0;

  /** Entries taken. */
  get size(): number {
    return this.#size;
  }

  /** Adds `local@domain`, or `@domain` for everybody there (byte strings). False: it is neither, and nothing was added. */
  add(entry: string): boolean {
    const all = entry.charCodeAt(0) === 64;
    const whole = all ? `x${entry}` : entry;
    const parsed = parseForwardPath(`<${whole}>`, 0);
    if ('code' in parsed || parsed.next !== whole.length + 2 || parsed.path.address !== whole) return false;
    const domain = asciiLower(domainOf(whole));
    if (domain === '') return false;
    this.#size++;
    const known = this.#domains.get(domain);
    if (all) this.#domains.set(domain, null);
    else if (known === undefined) this.#domains.set(domain, new Set([localKey(whole)]));
    else known?.add(localKey(whole));
    return true;
  }

  /** Looks an address up. */
  find(address: string): Listed {
    const known = this.#domains.get(asciiLower(domainOf(address)));
    if (known === undefined) return 'elsewhere';
    return known === null || known.has(localKey(address)) ? 'known' : 'unknown';
  }
}

/**
 * The check of one listener. `domains`: lower-case byte strings, those relayed to. `list`: asked at each recipient, so that it
 * may be exchanged. `ahead`: asked about those the list does not speak of. null when there is nothing to ask.
 */
export function recipientCheck(
  domains: readonly string[],
  list: (() => RecipientList) | null,
  ahead: RecipientCheck | null,
): RecipientCheck | null {
  if (!list && !ahead) return null;
  const own = new Set(domains);
  return (recipient) => {
    const { address } = recipient;
    const domain = asciiLower(domainOf(address));
    if (!own.has(domain) || localKey(address) === POSTMASTER) return null;
    switch (list?.().find(address)) {
      case 'known':
        return null;
      case 'unknown':
        return NO_SUCH;
      case 'elsewhere':
      case undefined:
        return ahead ? ahead(recipient) : null;
    }
  };
}

/** The local part as it is compared: `"a.b"` is `a.b`, `A` is `a` (no server of today tells them apart). */
function localKey(address: string): string {
  const local = localPartOf(address);
  const plain = local.charCodeAt(0) === 34 ? local.slice(1, -1).replace(/\\(.)/g, '$1') : local;
  return asciiLower(plain);
}
