/** The policy that was set while a gateway ran: it holds until the configuration says something else than it said then. */
import { readPolicy, type CapturePolicy } from './policy.ts';
import { keyOf, type Tables } from './tables.ts';

const POLICY = keyOf('policy');

/** Keeps it. Resolves when it is on disk. */
export async function storePolicy(
  tables: Tables,
  policy: CapturePolicy,
  configured: CapturePolicy,
): Promise<void> {
  const kept = Buffer.from(JSON.stringify({ base: JSON.stringify(configured), policy }), 'utf8');
  await tables.batch(() => void tables.meta.put(POLICY, kept));
}

/** What was set, unless the configuration has changed its mind since; null: nothing was. */
export function storedPolicy({ meta }: Tables, configured: CapturePolicy): CapturePolicy | null {
  const value = meta.get(POLICY)?.toString('utf8');
  if (value === undefined) return null;
  const { base, policy } = JSON.parse(value) as { base: string; policy: unknown };
  const checked = readPolicy(policy);
  return base === JSON.stringify(configured) && typeof checked !== 'string' ? checked : null;
}
