/**
 * HTML of a mail made into a document that can do nothing. Pure: it is never given to a parser of the page.
 *
 * It is cut into tags and text. Of the tags only known names are written again, without attributes but a number of columns; text is
 * written with every `<` as text. So whatever a parser makes of the result, there is nothing in it that acts, loads, or leads away.
 * It is shown in a frame without any right, under the policy of the page: three walls, each of which would do.
 */

import { visible } from '../parts/visible.ts';

const KEPT = new Set(
  'abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del dfn div dl dt em figcaption figure footer h1 h2 h3 h4 h5 h6 header hr i ins kbd li main mark nav ol p pre q s samp section small span strike strong sub sup table tbody td tfoot th thead tr tt u ul var'.split(
    ' ',
  ),
);
/** Elements whose text is none. */
const RAW =
  /^(?:script|style|title|textarea|xmp|iframe|noembed|noframes|noscript|plaintext|template|select)$/;
/** Characters looked at; what comes after is left out. */
export const MOST_HTML = 300_000;
/** Characters of where a link led. */
const MOST_LINK = 500;

const TAG = /<(\/?)([a-zA-Z][^\s/>]*)((?:[^>"']|"[^"]*"|'[^']*')*)>/y;
const ATTRIBUTE = /([^\s=/"'>]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/g;

/** The document's text for a frame's `srcdoc`. `style`: address of the style sheet that it has. */
export function harmless(html: string, style: string): string {
  return `<!doctype html><html><head><meta charset="utf-8"><link rel="stylesheet" href="${style}"></head><body>${bodyOf(html.slice(0, MOST_HTML))}</body></html>`;
}

/** What of it is shown. */
export function bodyOf(html: string): string {
  let out = '';
  let at = 0;
  const links: string[] = [];
  while (at < html.length) {
    const next = html.indexOf('<', at);
    if (next < 0) return out + literal(html.slice(at));
    out += literal(html.slice(at, next));
    if (html.startsWith('<!', next) || html.startsWith('<?', next)) {
      at = endOfComment(html, next);
      continue;
    }
    TAG.lastIndex = next;
    const tag = TAG.exec(html);
    if (!tag) {
      // A tag that never ends is text to the end; any other sign is text by itself.
      if (/^<\/?[a-zA-Z]/.test(html.slice(next, next + 3))) return out + literal(html.slice(next));
      out += '&lt;';
      at = next + 1;
      continue;
    }
    at = TAG.lastIndex;
    const [, slash, name = '', attributes = ''] = tag;
    const lower = name.toLowerCase();
    if (slash === '' && RAW.test(lower)) at = endOfRaw(html, at, lower);
    else out += written(slash === '/', lower, attributes, links);
  }
  return out;
}

function written(closes: boolean, name: string, attributes: string, links: string[]): string {
  if (name === 'a') {
    if (!closes) links.push(valueOf(attributes, 'href'));
    const led = closes ? links.pop() : undefined;
    return led ? literal(` [${led.slice(0, MOST_LINK)}]`) : '';
  }
  if (name === 'img' && !closes) {
    const says = valueOf(attributes, 'alt');
    return literal(says === '' ? '[picture]' : `[picture: ${says.slice(0, MOST_LINK)}]`);
  }
  if (!KEPT.has(name)) return '';
  if (closes) return `</${name}>`;
  const columns =
    name === 'td' || name === 'th' ? /^\d{1,3}$/.exec(valueOf(attributes, 'colspan'))?.[0] : undefined;
  return columns === undefined ? `<${name}>` : `<${name} colspan="${columns}">`;
}

/** References such as `&amp;` stay: they stand for characters, and characters do nothing in text. */
const literal = (text: string): string => visible(text).replace(/</g, '&lt;').replace(/>/g, '&gt;');

function valueOf(attributes: string, wanted: string): string {
  for (const [, name = '', double, single, bare] of attributes.matchAll(ATTRIBUTE))
    if (name.toLowerCase() === wanted) return (double ?? single ?? bare ?? '').trim();
  return '';
}

function endOfComment(html: string, at: number): number {
  const comment = html.startsWith('<!--', at);
  const end = html.indexOf(comment ? '-->' : '>', at + (comment ? 4 : 2));
  return end < 0 ? html.length : end + (comment ? 3 : 1);
}

function endOfRaw(html: string, at: number, name: string): number {
  const end = new RegExp(`</${name}(?=[\\s/>])[^>]*>`, 'gi');
  end.lastIndex = at;
  return end.exec(html) ? end.lastIndex : html.length;
}
