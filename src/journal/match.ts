/** Patterns and networks that rows and parts are held against. Compiled once, then only asked; never throws. */
import { BlockList, isIP } from 'node:net';

/** Whether a text is meant. */
export type Test = (text: string) => boolean;

/** A pattern: any case, `*` stands for any characters, else the whole text. */
export function patternOf(pattern: string): Test {
  const wanted = pattern.toLowerCase();
  if (!wanted.includes('*')) return (text) => text.length === wanted.length && text.toLowerCase() === wanted;
  const pieces = wanted.split('*');
  return (text) => holds(text.toLowerCase(), pieces);
}

/** The pieces in this order, the first at the start and the last at the end. Linear, whatever the pattern. */
function holds(text: string, pieces: readonly string[]): boolean {
  const first = pieces[0]!;
  const last = pieces.at(-1)!;
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last))
    return false;
  let at = first.length;
  const end = text.length - last.length;
  for (let i = 1; i < pieces.length - 1; i++) {
    const found = text.indexOf(pieces[i]!, at);
    if (found < 0 || found + pieces[i]!.length > end) return false;
    at = found + pieces[i]!.length;
  }
  return true;
}

/** An address, a network (`192.0.2.0/24`), or a pattern of addresses. */
export function clientTest(wanted: string): Test {
  const list = networkOf(wanted);
  if (list === null) return patternOf(wanted);
  return (address) => {
    const family = isIP(address);
    return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4');
  };
}

/** Whether it is an address or a network. */
export function isNetwork(text: string): boolean {
  return isIP(text) !== 0 || networkOf(text) !== null;
}

function networkOf(text: string): BlockList | null {
  const [address = '', length, more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || length === undefined || more !== undefined || !/^\d{1,3}$/.test(length)) return null;
  if (Number(length) > (family === 6 ? 128 : 32)) return null;
  const list = new BlockList();
  list.addSubnet(address, Number(length), family === 6 ? 'ipv6' : 'ipv4');
  return list;
}

/** Every word of a free search somewhere in the text; null: there is nothing to search for. */
export function wordsOf(search: string): readonly string[] {
  return search.toLowerCase().split(/\s+/).filter(Boolean);
}
