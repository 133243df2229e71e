/** Where one can go: the navigation, and what the search on top finds besides messages. */
import type { IconName } from '../parts/icons.tsx';

export interface Place {
  readonly to: string;
  readonly label: string;
  readonly icon: IconName;
  /** The second letter after `g`. */
  readonly key?: string;
  /** Where it lies in the settings. */
  readonly within?: string;
}

export const MANAGEMENT: readonly Place[] = [
  { to: '/', label: 'Dashboard', icon: 'dashboard', key: 'd' },
  { to: '/messages', label: 'Messages', icon: 'messages', key: 'm' },
  { to: '/conversations', label: 'Conversations', icon: 'conversations', key: 'c' },
  { to: '/queue', label: 'Queue', icon: 'queue', key: 'q' },
  { to: '/quarantine', label: 'Quarantine', icon: 'quarantine', key: 'u' },
  { to: '/troubleshoot', label: 'Troubleshoot', icon: 'troubleshoot' },
];

export const MILTERS = '/settings/mta/filters/milters';
export const SETTINGS: readonly Place[] = [
  { to: MILTERS, label: 'Milters', icon: 'milters', key: 's', within: 'MTA › Filters' },
  { to: '/settings/mta/listeners', label: 'Listeners', icon: 'listeners', within: 'MTA' },
  { to: '/settings/mta/delivery', label: 'Delivery', icon: 'delivery', within: 'MTA' },
  { to: '/settings/users', label: 'Users and tokens', icon: 'users' },
  { to: '/settings/system', label: 'System', icon: 'system' },
];

/** What one looks for in settings, by its words; each leads to its page. */
const THINGS: readonly (readonly [words: string, to: string])[] = [
  ['Add a milter', `${MILTERS}/new`],
  ['Order of the milters', MILTERS],
  ['Test connection to a milter', MILTERS],
  ['Pause a milter', MILTERS],
  ['Timeouts of a milter (timeoutConnect, timeoutCommand, timeoutData)', MILTERS],
  ['Flags of a milter (flagsAction, flagsProtocol)', MILTERS],
  ['What happens while a milter is down (onError, tempFailOnError)', MILTERS],
  ['Listeners, ports, TLS (bind, tls, relay)', '/settings/mta/listeners'],
  ['Routes and next hops (delivery.routes)', '/settings/mta/delivery'],
  ['Suspended destinations', '/queue/suspended'],
  ['Users (submission, passwords)', '/settings/users'],
  ['Tokens of the API', '/settings/users'],
  ['Configuration as text (YAML)', '/settings/system'],
  ['Configuration history, rollback', '/settings/system?tab=history'],
  ['Certificates', '/settings/system?tab=health'],
  ['Capture policy of conversations', '/conversations?capture=1'],
  ['Expression tester', '/troubleshoot/expressions'],
  ['Dry run of a message (.eml)', '/troubleshoot/dry-run'],
  ['Delivery path of a recipient', '/troubleshoot/path'],
];

export interface Found {
  readonly label: string;
  readonly kind: string;
  readonly to: string;
}

/** What a search finds, the likeliest first. */
export function findPlaces(text: string): Found[] {
  const wanted = text.trim();
  if (wanted === '') return [];
  const found: Found[] = [];
  if (/^[0-9a-z]{16}$/.test(wanted)) {
    found.push({ label: `Message ${wanted}`, kind: 'message', to: `/messages/${wanted}` });
    found.push({ label: `Queue entry ${wanted}`, kind: 'queue', to: `/queue/entry/${wanted}` });
  }
  const value = encodeURIComponent(wanted);
  if (wanted.includes('@')) {
    found.push({ label: `Messages to ${wanted}`, kind: 'recipient', to: `/messages?rcpt=${value}` });
    found.push({ label: `Messages from ${wanted}`, kind: 'sender', to: `/messages?from=${value}` });
  }
  if (/^[0-9a-f.:]+(?:\/\d+)?$/i.test(wanted) && /[.:]/.test(wanted))
    found.push({ label: `Messages from client ${wanted}`, kind: 'client', to: `/messages?client=${value}` });
  found.push({ label: `Messages with “${wanted}”`, kind: 'anywhere', to: `/messages?q=${value}` });
  const lower = wanted.toLowerCase();
  for (const place of [...MANAGEMENT, ...SETTINGS])
    if (place.label.toLowerCase().includes(lower))
      found.push({ label: place.label, kind: 'page', to: place.to });
  for (const [words, to] of THINGS)
    if (words.toLowerCase().includes(lower)) found.push({ label: words, kind: 'setting', to });
  return found.slice(0, 12);
}
