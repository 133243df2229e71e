/**
 * Which addresses of a stranger's DNS are connected to. A record may hold anything; some addresses would lead back into this
 * machine, or to nobody. Private networks are connected to: many a domain is served inside one. Pure but for its address tables.
 */
import { BlockList, isIPv6 } from 'node:net';

/** Why an address is not used; null: it may be. */
export type Unusable = 'loopback' | 'unspecified' | 'link-local' | 'multicast' | null;

const KINDS: readonly (readonly [Exclude<Unusable, null>, readonly (readonly [string, number])[]])[] = [
  // The whole of 0.0.0.0/8 is "this host" (RFC 1122 3.2.1.3); systems connect it to themselves.
  [
    'unspecified',
    [
      ['0.0.0.0', 8],
      ['::', 128],
    ],
  ],
  [
    'loopback',
    [
      ['127.0.0.0', 8],
      ['::1', 128],
    ],
  ],
  [
    'link-local',
    [
      ['169.254.0.0', 16],
      ['fe80::', 10],
    ],
  ],
  // With it what is reserved beyond (RFC 1112 4) and the broadcast address.
  [
    'multicast',
    [
      ['224.0.0.0', 3],
      ['ff00::', 8],
    ],
  ],
];

const LISTS = KINDS.map(([kind, networks]) => {
  const list = new BlockList();
  for (const [network, bits] of networks) list.addSubnet(network, bits, isIPv6(network) ? 'ipv6' : 'ipv4');
  return [kind, list] as const;
});

/** Looks at an IP address in canonical form. */
export function unusable(address: string, allowLoopback: boolean): Unusable {
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  const kind = LISTS.find(([, list]) => list.check(address, family))?.[0] ?? null;
  return kind === 'loopback' && allowLoopback ? null : kind;
}
