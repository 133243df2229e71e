/** Settings › MTA › Delivery: routes, the first that fits takes a recipient. */
import { Link } from 'wouter';
import type { Field } from '../milters/fields.ts';
import { Page } from '../parts/page.tsx';
import { Note } from '../parts/states.tsx';
import { ItemFacts } from './item-facts.tsx';
import { ItemList } from './item-list.tsx';

const choices = (...words: readonly string[]): Field['choices'] => words.map((word) => [word, word] as const);

const FIELDS: readonly Field[] = [
  {
    key: 'via',
    label: 'Via',
    help: 'How it goes on.',
    kind: 'choice',
    default: 'smtp',
    choices: choices('smtp', 'lmtp', 'mx', 'maildir', 'discard'),
  },
  {
    key: 'to',
    label: 'To',
    help: 'Next hops with ports, or the folder of a Maildir; commas between.',
    kind: 'text',
    default: 'none',
  },
  {
    key: 'tls',
    label: 'TLS',
    help: 'To the next hop.',
    kind: 'choice',
    default: 'opportunistic',
    choices: choices('off', 'opportunistic', 'require'),
  },
  {
    key: 'balance',
    label: 'Balance',
    help: 'In which order several hops are tried.',
    kind: 'choice',
    default: 'order',
    choices: choices('order', 'round-robin'),
  },
  {
    key: 'concurrency',
    label: 'Concurrency',
    help: 'Deliveries at the same time.',
    kind: 'size',
    default: 'as delivery.concurrency says',
  },
  { key: 'rate', label: 'Rate', help: 'Messages in a time, such as 100/1m.', kind: 'text', default: 'none' },
];

export function Delivery() {
  return (
    <Page
      title="Delivery"
      crumbs={['Settings', 'MTA', 'Delivery']}
      intro="Each recipient goes the first route whose match is true."
    >
      <Note>
        Retries, expiry, time limits and the other keys of <code>delivery</code> are in the text of the
        configuration: <Link href="/settings/system">System</Link>. Where a recipient would go is shown by{' '}
        <Link href="/troubleshoot/path">Troubleshoot</Link>.
      </Note>
      <ItemList
        list="routes"
        noun="route"
        fields={FIELDS}
        start={{ match: "rcpt_domain == 'example.org'", via: 'smtp', to: ['127.0.0.1:2526'] }}
        describe={(item) => <ItemFacts item={item} />}
      />
    </Page>
  );
}
