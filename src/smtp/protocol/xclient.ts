/**
 * XCLIENT and XFORWARD (Postfix's XCLIENT_README and XFORWARD_README): attributes by which a trusted client speaks for another.
 *
 * Values are xtext. An attribute we do not know, one that comes twice and a value of the wrong form are refused with 501 5.5.4.
 * Pure; never throws; bounded by the length of the line.
 */
import { hasControl } from './commands.ts';
import { canonicalIp } from './ip-addresses.ts';
import { fromXtext } from './xtext.ts';
import { status, type Forwarded, type Status } from '#message';

/** What XCLIENT says; what it does not name is absent, and '' (0 for ports) stands for `[UNAVAILABLE]`. */
export interface XclientFacts {
  readonly name?: string;
  readonly address?: string;
  readonly port?: number;
  readonly protocol?: 'SMTP' | 'ESMTP';
  readonly helo?: string;
  readonly login?: string;
  readonly destinationAddress?: string;
  readonly destinationPort?: number;
}

const SYNTAX = status(501, '5.5.4', 'Bad attribute or value');

/** What a value means, by the field that it fills; null when it has the wrong form. `value` is '' for `[UNAVAILABLE]`. */
type Reader<T> = (value: string) => Partial<T> | null;

const XCLIENT: ReadonlyMap<string, Reader<XclientFacts>> = new Map<string, Reader<XclientFacts>>([
  ['NAME', (value) => (isHostName(value) ? { name: value } : null)],
  ['ADDR', (value) => withAddress(value, (address) => ({ address }))],
  ['PORT', (value) => withPort(value, (port) => ({ port }))],
  [
    'PROTO',
    (value) => {
      const word = value.toUpperCase();
      return word === 'SMTP' || word === 'ESMTP' ? { protocol: word } : value === '' ? {} : null;
    },
  ],
  ['HELO', (value) => (isWord(value) ? { helo: value } : null)],
  ['LOGIN', (value) => (isText(value) ? { login: value } : null)],
  ['DESTADDR', (value) => withAddress(value, (destinationAddress) => ({ destinationAddress }))],
  ['DESTPORT', (value) => withPort(value, (destinationPort) => ({ destinationPort }))],
]);

const XFORWARD: ReadonlyMap<string, Reader<Forwarded>> = new Map<string, Reader<Forwarded>>([
  ['NAME', (value) => (isWord(value) ? { name: value } : null)],
  ['ADDR', (value) => withAddress(value, (address) => ({ address }))],
  ['PORT', (value) => withPort(value, (port) => ({ port }))],
  ['PROTO', (value) => (/^[A-Za-z0-9]{0,64}$/.test(value) ? { protocol: value.toUpperCase() } : null)],
  ['HELO', (value) => (isWord(value) ? { helo: value } : null)],
  ['IDENT', (value) => (isWord(value) ? { ident: value } : null)],
  ['SOURCE', (value) => (/^(?:LOCAL|REMOTE|)$/i.test(value) ? { source: value.toUpperCase() } : null)],
]);

/** The lines by which EHLO offers both. */
export const XCLIENT_OFFERS: readonly string[] = Object.freeze([
  ['XCLIENT', ...XCLIENT.keys()].join(' '),
  ['XFORWARD', ...XFORWARD.keys()].join(' '),
]);

/** The attributes behind `XCLIENT`, or the refusal. */
export function parseXclient(args: string): XclientFacts | Status {
  return attributesOf(args, XCLIENT);
}

/** The attributes behind `XFORWARD`, or the refusal. */
export function parseXforward(args: string): Partial<Forwarded> | Status {
  return attributesOf(args, XFORWARD);
}

function attributesOf<T>(args: string, readers: ReadonlyMap<string, Reader<T>>): Partial<T> | Status {
  const facts: Partial<T> = {};
  const seen = new Set<string>();
  for (const attribute of args.split(' ')) {
    if (attribute === '') continue;
    const equals = attribute.indexOf('=');
    const keyword = attribute.slice(0, Math.max(0, equals)).toUpperCase();
    const read = readers.get(keyword);
    const value = fromXtext(attribute.slice(equals + 1));
    if (!read || !value || seen.has(keyword)) return SYNTAX;
    seen.add(keyword);
    const found = read(/^\[(?:UNAVAILABLE|TEMPUNAVAIL)\]$/i.test(value) ? '' : value);
    if (found === null) return SYNTAX;
    Object.assign(facts, found);
  }
  return seen.size === 0 ? SYNTAX : facts;
}

function withAddress<T>(value: string, fact: (address: string) => T): T | null {
  if (value === '') return fact('');
  const address = canonicalIp(value.replace(/^IPV6:/i, ''));
  return address === null ? null : fact(address);
}

function withPort<T>(value: string, fact: (port: number) => T): T | null {
  if (value === '') return fact(0);
  return /^[0-9]{1,5}$/.test(value) && Number(value) <= 65_535 ? fact(Number(value)) : null;
}

const isHostName = (value: string): boolean => /^[A-Za-z0-9._-]{0,255}$/.test(value);
const isWord = (value: string): boolean => /^[\x21-\x7e]{0,255}$/.test(value);
const isText = (value: string): boolean => value.length <= 255 && !hasControl(value);
