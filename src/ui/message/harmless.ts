/**
 * HTML of a mail made into a document that can do nothing: known elements only, no attribute but those of tables and direction.
 *
 * It is parsed into a document without a window (nothing loads, nothing runs), built anew from what is allowed, and shown in a frame
 * without any right. Three walls; each would do.
 */

const KEPT = new Set(
  'a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i ins kbd li main mark nav ol p pre q s samp section small span strike strong sub sup table tbody td tfoot th thead tr tt u ul var'.split(
    ' ',
  ),
);
/** Those whose text is no text. */
const DROPPED = new Set(
  'script style head title meta link base template noscript iframe object embed svg math form textarea select'.split(
    ' ',
  ),
);
const ATTRIBUTES = new Set(['colspan', 'rowspan', 'dir', 'align']);
/** Elements looked at; what comes after is left out. */
const MOST = 20_000;

/** The document's text for a frame's `srcdoc`. `links`: say where each led, as text. */
export function harmless(html: string): string {
  const source = new DOMParser().parseFromString(html, 'text/html');
  const target = document.implementation.createHTMLDocument('');
  let left = MOST;
  const copy = (from: Node, to: Node, depth: number): void => {
    for (const node of from.childNodes) {
      if (left-- <= 0 || depth > 200) return;
      if (node.nodeType === Node.TEXT_NODE) to.appendChild(target.createTextNode(node.nodeValue ?? ''));
      if (!(node.nodeType === Node.ELEMENT_NODE)) continue;
      const element = node as Element;
      const name = element.localName;
      if (DROPPED.has(name)) continue;
      if (name === 'img') {
        to.appendChild(
          target.createTextNode(
            `[picture${element.getAttribute('alt') ? `: ${element.getAttribute('alt')}` : ''}]`,
          ),
        );
        continue;
      }
      const made = KEPT.has(name)
        ? target.createElement(name === 'a' || name === 'font' ? 'span' : name)
        : target.createElement('span');
      for (const attribute of element.attributes)
        if (ATTRIBUTES.has(attribute.name) && /^[a-z0-9]{1,10}$/i.test(attribute.value))
          made.setAttribute(attribute.name, attribute.value);
      to.appendChild(made);
      copy(element, made, depth + 1);
      const led = name === 'a' ? element.getAttribute('href') : null;
      if (led && led.trim() !== element.textContent?.trim())
        to.appendChild(target.createTextNode(` [${led.slice(0, 500)}]`));
    }
  };
  copy(source.body, target.body, 0);
  const css = `${window.location.origin}/mail.css`;
  return `<!doctype html><html><head><meta charset="utf-8"><link rel="stylesheet" href="${css}"></head>${target.body.outerHTML}</html>`;
}
