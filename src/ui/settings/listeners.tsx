/** Settings › MTA › Listeners: where mail comes in. */
import type { Field } from '../milters/fields.ts';
import { Page } from '../parts/page.tsx';
import { ItemFacts } from './item-facts.tsx';
import { ItemList } from './item-list.tsx';

const choices = (...words: readonly string[]): Field['choices'] => words.map((word) => [word, word] as const);

const FIELDS: readonly Field[] = [
  {
    key: 'name',
    label: 'Name',
    help: 'The word that expressions and logs know it by.',
    kind: 'text',
    default: 'smtp',
  },
  {
    key: 'bind',
    label: 'Bind',
    help: 'Addresses with ports, commas between: 0.0.0.0:25, [::]:25.',
    kind: 'text',
    default: '127.0.0.1:2525',
  },
  {
    key: 'protocol',
    label: 'Protocol',
    help: 'What is spoken there.',
    kind: 'choice',
    default: 'smtp',
    choices: choices('smtp', 'lmtp'),
  },
  {
    key: 'tls',
    label: 'TLS',
    help: 'Whether it is offered, needed, or there from the first byte.',
    kind: 'choice',
    default: 'starttls with a certificate',
    choices: choices('off', 'starttls', 'require', 'implicit'),
  },
  {
    key: 'auth',
    label: 'Log-in',
    help: 'Whether clients may or must log in.',
    kind: 'choice',
    default: 'off',
    choices: choices('off', 'optional', 'required'),
  },
  { key: 'maxMessageSize', label: 'Max message size', help: 'Such as 50MB.', kind: 'size', default: '50MB' },
  {
    key: 'maxConnections',
    label: 'Max connections',
    help: 'At the same time.',
    kind: 'size',
    default: 'see docs/limits.md',
  },
  {
    key: 'maxRecipients',
    label: 'Max recipients',
    help: 'Of one message.',
    kind: 'size',
    default: 'see docs/limits.md',
  },
];

export function Listeners() {
  return (
    <Page
      title="Listeners"
      crumbs={['Settings', 'MTA', 'Listeners']}
      intro="Where mail comes in, and from whom."
    >
      <ItemList
        list="listeners"
        noun="listener"
        fields={FIELDS}
        start={{ name: 'submission', bind: '127.0.0.1:2587' }}
        describe={(item) => <ItemFacts item={item} />}
      />
    </Page>
  );
}
