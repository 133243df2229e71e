/**
 * Who waits for whom at the content of a message.
 *
 * A chained filter waits for every filter before it that may change header or body, for it is to see the message as they left
 * it. A filter on the original waits for nobody, unless it and a filter before it may both replace the body: two bodies cannot
 * be merged, so the later one waits and sees the first one's. Whoever waits for nobody is given the content while it arrives.
 * Pure.
 */

/** What the plan needs to know of a filter, in configured order. */
export interface Participant {
  readonly input: 'chained' | 'original';
  readonly changesContent: boolean;
  readonly replacesBody: boolean;
}

/** For each filter the places of those it waits for. */
export function waitsFor(filters: readonly Participant[]): readonly (readonly number[])[] {
  return filters.map((filter, place) =>
    filters.slice(0, place).flatMap((before, at) => {
      const influences =
        filter.input === 'chained' ? before.changesContent : before.replacesBody && filter.replacesBody;
      return influences ? [at] : [];
    }),
  );
}
