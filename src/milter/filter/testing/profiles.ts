/**
 * How the MTAs differ, as far as a filter can tell: offers, macros, spelling, habits (milter reference 5, 6, 8 to 11).
 *
 * Data; the driver reads it.
 */
import { DEFAULT_MACROS, makeOffer, type MacroStage, type Offer } from '#milter/protocol';

/** The MTAs that can be played. */
export type MtaName = 'postfix' | 'sendmail' | 'stalwart' | 'millrace';

/** One MTA. */
export interface Profile {
  readonly offer: Offer;
  /** Macro lists by stage, names as on the wire. */
  readonly macros: Readonly<Record<MacroStage, readonly string[]>>;
  /** Values of its own. */
  readonly values: Readonly<Record<string, string>>;
  /** A MACRO frame before every command, body chunks and headers included, empty if need be. */
  readonly macrosEverywhere: boolean;
  /** The queue id exists only after the first accepted recipient. */
  readonly lateQueueId: boolean;
  /** ABORT also after a finished message. */
  readonly abortAfterMessage: boolean;
  /** `IPv6:` in front of addresses at CONNECT. */
  readonly ipv6Prefix: boolean;
  /** DATA is sent. */
  readonly data: boolean;
  /** ESMTP parameters are passed on, and the case of addresses kept. */
  readonly faithfulEnvelope: boolean;
  /** Folds are CRLF, and the body begins with the header again. */
  readonly sloppyContent: boolean;
}

const list = (names: string): string[] => names.split(' ').filter((name) => name !== '');
const TLS = list('{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}');

const MILLRACE: Profile = {
  offer: makeOffer(6),
  macros: DEFAULT_MACROS,
  values: { v: 'Millrace 0.1.0', '{daemon_name}': 'smtp' },
  macrosEverywhere: false,
  lateQueueId: false,
  abortAfterMessage: false,
  ipv6Prefix: false,
  data: true,
  faithfulEnvelope: true,
  sloppyContent: false,
};

/** All of them. */
export const PROFILES: Readonly<Record<MtaName, Profile>> = {
  millrace: MILLRACE,
  postfix: {
    ...MILLRACE,
    macros: {
      connect: list('j {daemon_name} {daemon_addr} v _'),
      helo: TLS,
      mail: list('i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}'),
      rcpt: list('i {rcpt_addr} {rcpt_host} {rcpt_mailer}'),
      data: ['i'],
      eoh: ['i'],
      end: ['i'],
    },
    values: { v: 'Postfix 3.8.1', '{daemon_name}': 'mx.example.org' },
    macrosEverywhere: true,
    lateQueueId: true,
    abortAfterMessage: true,
  },
  sendmail: {
    ...MILLRACE,
    macros: {
      connect: list('j _ {daemon_name} {if_name} {if_addr}'),
      helo: TLS,
      mail: list(
        'i {auth_type} {auth_authen} {auth_ssf} {auth_author} {mail_mailer} {mail_host} {mail_addr}',
      ),
      rcpt: list('{rcpt_mailer} {rcpt_host} {rcpt_addr}'),
      data: [],
      eoh: [],
      end: ['{msg_id}'],
    },
    values: { v: '8.17.1', '{daemon_name}': 'MTA' },
    ipv6Prefix: true,
  },
  stalwart: {
    ...MILLRACE,
    offer: makeOffer(6, 0xff, 0x42),
    values: { v: 'Stalwart 0.16', '{daemon_name}': 'smtp' },
    data: false,
    faithfulEnvelope: false,
    sloppyContent: true,
  },
};

/** Values every MTA has; the driver adds those of client, envelope and TLS. */
export const COMMON_VALUES: Readonly<Record<string, string>> = {
  j: 'mx.example.org',
  r: 'ESMTP',
  b: 'Tue, 4 Aug 2026 10:00:00 +0000',
  '{daemon_addr}': '192.0.2.1',
  '{daemon_port}': '25',
  '{if_name}': 'mx.example.org',
  '{if_addr}': '192.0.2.1',
  '{client_connections}': '1',
  '{client_resolve}': 'OK',
};
