/** Which key does what inside a list that has the focus. Pure. */

export type ListOrder =
  | { readonly kind: 'go'; readonly to: number }
  | { readonly kind: 'open' | 'mark' | 'mark-range' | 'mark-all' }
  | { readonly kind: 'act'; readonly key: string };

interface Key {
  readonly key: string;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
}

/** The order a key is; null when it is none. `letters`: whether single letters count. */
export function orderOf(
  event: Key,
  at: number,
  count: number,
  page: number,
  letters: boolean,
): ListOrder | null {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  const go = (to: number): ListOrder => ({ kind: 'go', to: Math.max(0, Math.min(count - 1, to)) });
  switch (event.key) {
    case 'ArrowDown':
      return go(at + 1);
    case 'ArrowUp':
      return go(at - 1);
    case 'PageDown':
      return go(at + page);
    case 'PageUp':
      return go(at - page);
    case 'Home':
      return go(0);
    case 'End':
      return go(count - 1);
    case 'Enter':
      return { kind: 'open' };
    case 'Delete':
      return { kind: 'act', key: 'Delete' };
  }
  if (!letters) return null;
  switch (event.key) {
    case 'j':
      return go(at + 1);
    case 'k':
      return go(at - 1);
    case 'x':
      return { kind: 'mark' };
    case 'X':
      return { kind: 'mark-range' };
    case '*':
      return { kind: 'mark-all' };
    case 'r':
    case 'h':
      return { kind: 'act', key: event.key };
    default:
      return null;
  }
}
