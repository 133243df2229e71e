/**
 * The TLS contexts of one listener: one per certificate, made when first wanted and kept until the certificates change.
 *
 * Each listener has ticket keys and a session id context of its own, so a session begun at one listener is never resumed at
 * another that demands more of its clients. Without a session id context OpenSSL breaks off whoever resumes where client
 * certificates are asked for. Looking one up is an index; never reads a file.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { SmtpServerOptions } from '#smtp/server';
import type { KeyPair } from './key-pair.ts';

/** Suites for clients of TLS 1.3, then for those of 1.2: forward secrecy always, authenticated encryption first. */
const SUITES = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE+AESGCM',
  'ECDHE+CHACHA20',
  'ECDHE+AES',
].join(':');

/** Certificates in use, the default first, and which one is whose. */
export interface Material {
  readonly pairs: readonly KeyPair[];
  /** PEM of the authorities of clients' certificates; null = none. */
  readonly authorities: Buffer | null;
  /** Position of the first pair that has the name, wildcards as `*.example.org`. */
  readonly byName: ReadonlyMap<string, number>;
}

/** What a listener demands of TLS. */
export interface TlsDemand {
  readonly listener: string;
  readonly clientCertificates: 'off' | 'ask' | 'require';
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
}

/** What the SMTP server is handed. */
export type ContextSource = Required<Pick<SmtpServerOptions, 'secureContext' | 'secureContextFor'>>;

/** Puts the material together. */
export function materialOf(pairs: readonly KeyPair[], authorities: Buffer | null): Material {
  const byName = new Map<string, number>();
  for (const [i, { names }] of pairs.entries())
    for (const name of names) if (!byName.has(name)) byName.set(name, i);
  return { pairs, authorities, byName };
}

/**
 * The pair for the name a client asks for: the first in order that has it, by itself or under a wildcard for exactly one whole
 * label (RFC 6125 6.4.3); 0, the default, when none has.
 */
export function pairFor({ byName }: Material, serverName: string): number {
  const name = serverName.toLowerCase().replace(/\.$/, '');
  const dot = name.indexOf('.');
  const exact = byName.get(name);
  const wild = dot > 0 ? byName.get('*' + name.slice(dot)) : undefined;
  if (exact === undefined || wild === undefined) return exact ?? wild ?? 0;
  return Math.min(exact, wild);
}

/** One listener's contexts. */
export class ListenerContexts implements ContextSource {
  readonly #demand: TlsDemand;
  #material: Material;
  #contexts: (SecureContext | undefined)[] = [];
  #ticketKeys = randomBytes(48);

  constructor(material: Material, demand: TlsDemand) {
    this.#material = material;
    this.#demand = demand;
  }

  /** New certificates, or new ticket keys alone: sessions of before are not resumed. */
  renew(material: Material): void {
    this.#material = material;
    this.#contexts = [];
    this.#ticketKeys = randomBytes(48);
  }

  /** The context of the default certificate. */
  readonly secureContext = (): SecureContext => this.#at(0);

  /** The context for a name; undefined = the default one. */
  readonly secureContextFor = (serverName: string): SecureContext | undefined => {
    const at = pairFor(this.#material, serverName);
    return at === 0 ? undefined : this.#at(at);
  };

  #at(index: number): SecureContext {
    return (this.#contexts[index] ??= this.#make(this.#material.pairs[index]!));
  }

  #make({ cert, key }: KeyPair): SecureContext {
    const { listener, clientCertificates, minVersion } = this.#demand;
    const { authorities } = this.#material;
    const id = createHash('sha256').update(`${clientCertificates} ${minVersion} ${listener}`).digest('hex');
    return createSecureContext({
      cert,
      key,
      ...(clientCertificates !== 'off' && authorities && { ca: authorities }),
      minVersion,
      ciphers: SUITES,
      honorCipherOrder: true,
      sessionIdContext: id.slice(0, 32),
      ticketKeys: this.#ticketKeys,
    });
  }
}
