/** Every page there is, with an address that shows something on it. */

const MESSAGE = '00000000000001j9';
const HELD = '0000000000000003';
const MILTERS = '/settings/mta/filters/milters';

/** Name for pictures, and address. */
export const PAGES: readonly (readonly [name: string, path: string])[] = [
  ['dashboard', '/'],
  ['messages', '/messages'],
  ['message', `/messages/${MESSAGE}`],
  ['message-filters', `/messages/${MESSAGE}/filters`],
  ['message-conversation', `/messages/${MESSAGE}/conversation`],
  ['message-headers', `/messages/${MESSAGE}/headers`],
  ['message-text', `/messages/${MESSAGE}/text`],
  ['message-html', `/messages/${MESSAGE}/text?as=html`],
  ['message-parts', `/messages/${MESSAGE}/parts`],
  ['message-source', `/messages/${MESSAGE}/source`],
  ['message-delivery', `/messages/${MESSAGE}/delivery`],
  ['conversations', '/conversations'],
  ['capture', '/conversations?capture=1'],
  ['conversation', '/conversations/s1?n=1-46'],
  ['conversation-negotiation', '/conversations/s1?n=0-3'],
  ['conversation-sequence', '/conversations/s1?view=sequence'],
  ['queue-active', '/queue'],
  ['queue-deferred', '/queue/deferred'],
  ['queue-held', '/queue/held'],
  ['queue-suspensions', '/queue/suspended'],
  ['queue-shape', '/queue/shape'],
  ['queue-entry', `/queue/entry/${HELD}`],
  ['quarantine', '/quarantine'],
  ['held', `/quarantine/${HELD}`],
  ['held-headers', `/quarantine/${HELD}?view=headers`],
  ['milters', MILTERS],
  ['milter-new', `${MILTERS}/new`],
  ['milter-edit', `${MILTERS}/rspamd`],
  ['listeners', '/settings/mta/listeners'],
  ['delivery', '/settings/mta/delivery'],
  ['users', '/settings/users'],
  ['system', '/settings/system'],
  ['system-history', '/settings/system?tab=history'],
  ['system-health', '/settings/system?tab=health'],
  ['troubleshoot', '/troubleshoot/dry-run'],
  ['troubleshoot-path', '/troubleshoot/path'],
  ['troubleshoot-expressions', '/troubleshoot/expressions'],
  ['nowhere', '/no/such/page'],
];
