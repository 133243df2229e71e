/**
 * JSON as it is taken from strangers: no key twice, none that reaches a prototype, no deep nesting. The rest is left to the schema.
 *
 * One pass over the text without recursion; what is no JSON at all is left to the parser. Pure; never throws.
 */

/** Deepest nesting of lists and groups. */
export const MAX_NESTING = 64;

const TOKEN = /[{}[\],:]|"(?:[^"\\]|\\[^])*"/g;

/** What is wrong with a text, in words with the place; null when nothing is. */
export function troubleIn(text: string): string | null {
  /** Keys of the groups that are open; null for a list. */
  const open: (Set<string> | null)[] = [];
  TOKEN.lastIndex = 0;
  let expectsKey = false;
  for (let m = TOKEN.exec(text); m; m = TOKEN.exec(text)) {
    const [token] = m;
    if (token === '{' || token === '[') {
      open.push(token === '{' ? new Set() : null);
      if (open.length > MAX_NESTING) return `nested more than ${MAX_NESTING} deep, at ${m.index}`;
      expectsKey = token === '{';
    } else if (token === '}' || token === ']') {
      open.pop();
      expectsKey = false;
    } else if (token === ',') expectsKey = open.at(-1) instanceof Set;
    else if (token === ':') expectsKey = false;
    else if (expectsKey) {
      const trouble = keyTrouble(token, open.at(-1) ?? null);
      if (trouble !== null) return `${trouble}, at ${m.index}`;
    }
  }
  return null;
}

function keyTrouble(token: string, keys: Set<string> | null): string | null {
  let key: unknown;
  try {
    key = JSON.parse(token);
  } catch {
    return null; // the parser says so
  }
  if (typeof key !== 'string' || !keys) return null;
  if (key === '__proto__') return 'the key __proto__ is not allowed';
  if (keys.has(key)) return `the key ${JSON.stringify(key.slice(0, 64))} is there twice`;
  keys.add(key);
  return null;
}
