/**
 * The leases this process holds, with the entry as it stands: what lets `settle` and `renew` write without reading first.
 *
 * Only a hint: every write they lead to is guarded by the entry's version, so a lease that was lost meanwhile is noticed.
 */
import type { StoredEntry } from './parts.ts';
import type { Lease } from './store.ts';

/** An entry leased by this process. */
export interface LeasedEntry extends StoredEntry {
  /** A settlement is on its way; it is not renewed any more. */
  settling: boolean;
}

export class Leases {
  readonly #byOwner = new Map<string, Map<string, LeasedEntry>>();

  /** Remembers (or replaces) an entry as its owner leased it. */
  set(stored: StoredEntry): void {
    const { owner } = stored.meta.lease!;
    let entries = this.#byOwner.get(owner);
    if (!entries) this.#byOwner.set(owner, (entries = new Map()));
    entries.set(stored.meta.id, { ...stored, settling: false });
  }

  /** The entry as this owner's lease with this token knows it. */
  get(id: string, lease: Lease): LeasedEntry | undefined {
    const entry = this.#byOwner.get(lease.owner)?.get(id);
    return entry?.meta.lease!.token === lease.token ? entry : undefined;
  }

  /** Forgets a lease; another claim on the same entry stays. */
  drop(id: string, lease: Lease): void {
    if (!this.get(id, lease)) return;
    const entries = this.#byOwner.get(lease.owner)!;
    entries.delete(id);
    if (entries.size === 0) this.#byOwner.delete(lease.owner);
  }

  /** What this owner holds and is not settling. */
  of(owner: string): readonly LeasedEntry[] {
    return [...(this.#byOwner.get(owner)?.values() ?? [])].filter((entry) => !entry.settling);
  }
}
