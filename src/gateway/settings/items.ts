/**
 * Single items of the configuration's lists: filters, listeners, routes, users. Found by name, told without their secrets, changed in
 * the text by config/edit. A filter without a name has the one that the gateway gives it; a route has its number. Pure.
 */
import {
  editList,
  effectiveListener,
  effectiveMilter,
  effectiveRoute,
  listIn,
  type Config,
  type ListName,
  type LoadResult,
} from '#gateway/config';
import { withoutSecrets, withSecretsOf } from './hidden.ts';
import { saysOf } from './says.ts';
import type { Make } from './settings.ts';

/** One item as it is told. */
export interface Item {
  readonly name: string;
  readonly index: number;
  /** As it is written; null in place of a secret. */
  readonly settings: unknown;
  /** With every default; null while the text has errors. */
  readonly effective: unknown;
  /** Of a filter: what happens to mail while it is down; '' for others. */
  readonly says: string;
}

type Loading = (text: string) => LoadResult;

/** Items of a list in a text; or why the text cannot be read. */
export function itemsIn(
  text: string,
  list: ListName,
  load: Loading,
): readonly Item[] | { readonly trouble: string } {
  const written = listIn(text, list);
  if (!Array.isArray(written)) return written as { readonly trouble: string };
  const loaded = load(text);
  const config = loaded.ok ? loaded.config : null;
  return (written as readonly unknown[]).map((item, index) => ({
    name: nameOf(list, item, index, config),
    index,
    settings: withoutSecrets(list, item),
    effective: effectiveOf(list, index, config),
    says: list === 'milters' && config?.milters[index] ? saysOf(config.milters[index]) : '',
  }));
}

/** A change of a list by names. */
export type ItemChange =
  /** `at`: null for the end. */
  | { readonly kind: 'add'; readonly settings: unknown; readonly at: number | null }
  | { readonly kind: 'put'; readonly name: string; readonly settings: unknown }
  | { readonly kind: 'remove'; readonly name: string }
  | { readonly kind: 'order'; readonly names: readonly string[] }
  /** The whole list: items of the same name (routes: the same place) are changed, others added and removed. */
  | { readonly kind: 'all'; readonly settings: readonly unknown[] };

/** Makes the text in which a list is changed. */
export function changeOf(list: ListName, change: ItemChange, load: Loading): Make {
  return (text) => {
    const items = itemsIn(text, list, load);
    if ('trouble' in items) return items;
    switch (change.kind) {
      case 'add':
        return editList(text, list, {
          kind: 'insert',
          at: Math.min(change.at ?? items.length, items.length),
          item: change.settings,
        });
      case 'put':
      case 'remove':
        return changeOne(text, list, items, change);
      case 'order':
        return inOrder(text, list, items, change.names);
      case 'all':
        return wholeList(text, list, items, change.settings, load);
    }
  };
}

function changeOne(
  text: string,
  list: ListName,
  items: readonly Item[],
  change: ItemChange & { readonly kind: 'put' | 'remove' },
): ReturnType<Make> {
  const at = items.findIndex(({ name }) => name === change.name);
  if (at < 0) return { trouble: `there is no ${change.name} in ${list}`, absent: true };
  if (change.kind === 'remove') return editList(text, list, { kind: 'remove', at });
  return editList(text, list, { kind: 'replace', at, item: kept(text, list, at, change.settings) });
}

function kept(text: string, list: ListName, at: number, settings: unknown): unknown {
  const written = listIn(text, list);
  return Array.isArray(written) ? withSecretsOf(list, settings, written[at]) : settings;
}

function inOrder(
  text: string,
  list: ListName,
  items: readonly Item[],
  names: readonly string[],
): ReturnType<Make> {
  const order = names.map((name) => items.findIndex((item) => item.name === name));
  const complete =
    names.length === items.length && new Set(order).size === items.length && !order.includes(-1);
  if (complete) return editList(text, list, { kind: 'order', order });
  return { trouble: `name each of them once: ${items.map(({ name }) => name).join(', ')}` };
}

function wholeList(
  text: string,
  list: ListName,
  items: readonly Item[],
  settings: readonly unknown[],
  load: Loading,
): ReturnType<Make> {
  const names = settings.map((item, i) => nameOf(list, item, i, null));
  let out: ReturnType<Make> = { text };
  const step = (edit: Parameters<typeof editList>[2]): void => {
    if ('text' in out) out = editList(out.text, list, edit);
  };
  for (const item of items.toReversed())
    if (!names.includes(item.name)) step({ kind: 'remove', at: item.index });
  const there = items.map(({ name }) => name).filter((name) => names.includes(name));
  for (const [i, name] of names.entries()) {
    const at = there.indexOf(name);
    if (at < 0) {
      step({ kind: 'insert', at: there.length, item: settings[i] });
      there.push(name);
    } else if ('text' in out) step({ kind: 'replace', at, item: kept(out.text, list, at, settings[i]) });
  }
  return 'text' in out && there.some((name, i) => name !== names[i])
    ? changeOf(list, { kind: 'order', names }, load)(out.text)
    : out;
}

function nameOf(list: ListName, item: unknown, index: number, config: Config | null): string {
  if (list === 'routes') return String(index);
  const { name, socket, hostname, port } = (item ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof name === 'string' && name !== '') return name;
  if (list !== 'milters') return `#${index}`;
  return (
    config?.milters[index]?.name ?? (typeof socket === 'string' ? socket : JSON.stringify([hostname, port]))
  );
}

function effectiveOf(list: ListName, index: number, config: Config | null): unknown {
  const [milter, listener, route] = [
    config?.milters[index],
    config?.listeners[index],
    config?.delivery.routes[index],
  ];
  switch (list) {
    case 'milters':
      return milter ? effectiveMilter(milter) : null;
    case 'listeners':
      return listener ? effectiveListener(listener) : null;
    case 'routes':
      return route ? effectiveRoute(route, false) : null;
    case 'users':
      return null;
  }
}
