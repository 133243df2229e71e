/** The fields of the milter form: the groups, labels and sense of the specification, with our help text. Pure data. */

export type FieldKind = 'text' | 'port' | 'duration' | 'size' | 'switch' | 'choice';

export interface Field {
  readonly key: string;
  readonly label: string;
  readonly help: string;
  readonly kind: FieldKind;
  /** What holds when nothing is written. */
  readonly default: string | boolean;
  readonly choices?: readonly (readonly [value: string, label: string])[];
  /** Shown only while this other field is on. */
  readonly needs?: string;
}

export const CONNECTION: readonly Field[] = [
  {
    key: 'name',
    label: 'Name',
    help: 'How the filter is called in logs, metrics and on these pages; unique.',
    kind: 'text',
    default: 'its address',
  },
  {
    key: 'hostname',
    label: 'Hostname',
    help: 'Host name or IP address; a name is looked up at each connect.',
    kind: 'text',
    default: '',
  },
  {
    key: 'port',
    label: 'Port',
    help: 'TCP port of the milter. Rspamd’s is 11332.',
    kind: 'port',
    default: '11332',
  },
  {
    key: 'socket',
    label: 'Socket',
    help: 'Path of a unix socket, in place of hostname and port.',
    kind: 'text',
    default: '',
  },
];

export const TLS: readonly Field[] = [
  { key: 'useTls', label: 'Use TLS', help: 'TLS from the first byte.', kind: 'switch', default: false },
  {
    key: 'allowInvalidCerts',
    label: 'Allow invalid certificates',
    help: 'Take any certificate: then nobody knows who answers.',
    kind: 'switch',
    default: false,
    needs: 'useTls',
  },
  {
    key: 'tlsServerName',
    label: 'TLS server name',
    help: 'The name asked for and checked in the certificate.',
    kind: 'text',
    default: 'the hostname',
    needs: 'useTls',
  },
  {
    key: 'tlsCa',
    label: 'TLS authorities',
    help: 'PEM file of the authorities to trust.',
    kind: 'text',
    default: 'the system’s',
    needs: 'useTls',
  },
  {
    key: 'tlsCertificate',
    label: 'TLS certificate',
    help: 'PEM file shown to the filter, together with its key.',
    kind: 'text',
    default: 'none',
    needs: 'useTls',
  },
  {
    key: 'tlsKey',
    label: 'TLS key',
    help: 'Its private key.',
    kind: 'text',
    default: 'none',
    needs: 'useTls',
  },
];

export const OPTIONS: readonly Field[] = [
  {
    key: 'maxResponseSize',
    label: 'Max response size',
    help: 'Largest single frame taken from the filter, such as 50MB.',
    kind: 'size',
    default: '52428800',
  },
  {
    key: 'protocolVersion',
    label: 'Protocol version',
    help: 'The milter version that is offered.',
    kind: 'choice',
    default: 'v6',
    choices: [
      ['v6', 'v6'],
      ['v2', 'v2 (old filters)'],
    ],
  },
  {
    key: 'tempFailOnError',
    label: 'Temp fail on error',
    help: 'While the filter cannot be used: answer 451, so that the sender tries again. Off: mail passes unfiltered.',
    kind: 'switch',
    default: true,
  },
  {
    key: 'onError',
    label: 'On error',
    help: 'More exactly what happens to mail while the filter cannot be used; wins over the switch above.',
    kind: 'choice',
    default: 'as the switch says',
    choices: [
      ['tempfail', 'put off: 451 4.7.1'],
      ['reject', 'refuse: 550 5.5.0'],
      ['accept', 'let pass unfiltered'],
      ['quarantine', 'accept and hold'],
    ],
  },
];

export const TIMEOUTS: readonly Field[] = [
  {
    key: 'timeoutConnect',
    label: 'Connect',
    help: 'Look-up, connection, TLS and negotiation together.',
    kind: 'duration',
    default: '30s',
  },
  {
    key: 'timeoutCommand',
    label: 'Command',
    help: 'One command before content, and its answer.',
    kind: 'duration',
    default: '30s',
  },
  {
    key: 'timeoutData',
    label: 'Data',
    help: 'Each wait during content and at its end; word that it is still at work begins it anew.',
    kind: 'duration',
    default: '60s',
  },
  {
    key: 'timeoutMessage',
    label: 'Message',
    help: 'All waits of one message together; 0 is no bound.',
    kind: 'duration',
    default: '5m',
  },
];

export const ADVANCED: readonly Field[] = [
  {
    key: 'input',
    label: 'Input',
    help: 'Which state of the message the filter sees.',
    kind: 'choice',
    default: 'chained',
    choices: [
      ['chained', 'as the filters before it left it'],
      ['original', 'as it was received'],
    ],
  },
  {
    key: 'parallel',
    label: 'In parallel',
    help: 'Asked at envelope stages together with its neighbours that say so too.',
    kind: 'switch',
    default: false,
  },
  {
    key: 'reuse',
    label: 'Reuse',
    help: 'Keep the conversation for the next SMTP client.',
    kind: 'switch',
    default: false,
  },
  {
    key: 'pipeline',
    label: 'Pipeline',
    help: 'Send header and body without waiting for each answer.',
    kind: 'switch',
    default: true,
  },
  {
    key: 'nudge',
    label: 'Nudge',
    help: 'On TCP: an empty frame against the 40 ms stall of delayed acknowledgements.',
    kind: 'switch',
    default: true,
  },
];

/** The stages in their order, with what the filter hears there. */
export const STAGES: readonly (readonly [stage: string, says: string])[] = [
  ['connect', 'a client connects'],
  ['ehlo', 'it says its name'],
  ['auth', 'it has logged in'],
  ['mail', 'sender'],
  ['rcpt', 'each recipient'],
  ['data', 'header and body'],
];

export const ALL_KEYS: readonly string[] = [
  ...[...CONNECTION, ...TLS, ...OPTIONS, ...TIMEOUTS, ...ADVANCED].map((field) => field.key),
  'enable',
  'stages',
  'flagsAction',
  'flagsProtocol',
];

/** The field that an error of the API is about; '' for the form as a whole. */
export function fieldIn(path: string): string {
  return path.split(/[.[\]]+/).find((part) => ALL_KEYS.includes(part)) ?? '';
}
