/**
 * The messages a filter is tried with. The two that filters must object to are put together when they are needed, so that no
 * scanner takes this program, or a copy of its sources, for spam or infected.
 */
import { mailDate } from '#message';

/** What to send, `none`: nothing. */
export const PROBES = ['none', 'clean', 'gtube', 'eicar'] as const;
export type Probe = (typeof PROBES)[number];

/** A message: header fields and body, CRLF line ends. */
export interface ProbeMessage {
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

const gtube = (): string =>
  ['XJS*C4JDBQADN1.NSBN3*2IDNEN', 'GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL', 'C.34X'].join('*');

const eicar = (): string =>
  ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR', 'STANDARD', 'ANTIVIRUS', 'TEST', 'FILE!$H+H*'].join('-');

/** The message of a probe, from and to `address`. */
export function probeMessage(
  probe: Exclude<Probe, 'none'>,
  address: string,
  id: string,
  now: number,
): ProbeMessage {
  const common: readonly (readonly [string, string])[] = [
    ['From', `<${address}>`],
    ['To', `<${address}>`],
    ['Date', mailDate(now)],
    ['Message-ID', `<${id}@${address.slice(address.lastIndexOf('@') + 1)}>`],
    ['Subject', 'A test of the filter'],
    ['MIME-Version', '1.0'],
  ];
  const text = 'This message tests a filter. It was made by the gateway and goes nowhere.\r\n';
  if (probe !== 'eicar')
    return {
      fields: [...common, ['Content-Type', 'text/plain; charset=us-ascii']],
      body: probe === 'gtube' ? `${text}\r\n${gtube()}\r\n` : text,
    };
  const attached = Buffer.from(eicar(), 'latin1').toString('base64');
  return {
    fields: [...common, ['Content-Type', 'multipart/mixed; boundary="parts"']],
    body: [
      '--parts',
      'Content-Type: text/plain; charset=us-ascii',
      '',
      text,
      '--parts',
      'Content-Type: application/octet-stream; name="test.com"',
      'Content-Disposition: attachment; filename="test.com"',
      'Content-Transfer-Encoding: base64',
      '',
      attached,
      '--parts--',
      '',
    ].join('\r\n'),
  };
}
