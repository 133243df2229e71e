/**
 * Secrets that stand in the configuration itself, kept out of what is told of single items: passwords of users, hashed, and those
 * that next hops are told. In their place stands null; given back like that, what was there stays. Pure.
 */
import { HIDDEN, listIn, LISTS, valueIn, type ListName } from '#gateway/config';

type Plain = Readonly<Record<string, unknown>>;

/** Where in an item a secret stands. */
const PLACES: Readonly<Record<ListName, readonly (readonly string[])[]>> = {
  milters: [],
  listeners: [],
  routes: [['auth', 'password']],
  users: [['password']],
};

/** An item without its secrets. One that stands elsewhere (`{ file }`, `{ env }`) is no secret. */
export function withoutSecrets(list: ListName, item: unknown): unknown {
  return PLACES[list].reduce((shown, path) => {
    const secret = at(shown, path);
    return secret === undefined || isGroup(secret) ? shown : put(shown, path, null);
  }, item);
}

/** An item with the secrets of the old one where it leaves them open. */
export function withSecretsOf(list: ListName, item: unknown, old: unknown): unknown {
  return PLACES[list].reduce(
    (full, path) =>
      at(full, path) === null && at(old, path) !== undefined ? put(full, path, at(old, path)) : full,
    item,
  );
}

/** A diff between two texts without the secrets that stand in either of them. */
export function diffWithoutSecrets(diff: string, ...texts: readonly string[]): string {
  return without(diff, texts.flatMap(secretsIn));
}

/** A text without these secrets, however they are quoted. */
export function without(text: string, secrets: readonly string[]): string {
  return secrets
    .toSorted((a, b) => b.length - a.length)
    .reduce(
      (shown, secret) =>
        [secret, JSON.stringify(secret).slice(1, -1), secret.replaceAll("'", "''")].reduce(
          (part, spelling) => part.replaceAll(spelling, HIDDEN),
          shown,
        ),
      text,
    );
}

/** Those that stand in a text. */
export function secretsIn(text: string): readonly string[] {
  const inLists = (Object.keys(LISTS) as ListName[]).flatMap((list) => {
    const items = listIn(text, list);
    return Array.isArray(items) ? PLACES[list].flatMap((path) => items.map((item) => at(item, path))) : [];
  });
  return [...inLists, valueIn(text, ['admin', 'token'])].filter(
    (s) => typeof s === 'string' && s.length > 0,
  ) as string[];
}

const isGroup = (value: unknown): value is Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce(
    (part, key) => (isGroup(part) && Object.hasOwn(part, key) ? part[key] : undefined),
    value,
  );
}

function put(value: unknown, [key, ...more]: readonly string[], secret: unknown): unknown {
  if (key === undefined) return secret;
  return isGroup(value) ? { ...value, [key]: put(value[key], more, secret) } : value;
}
