/** Where one was in each list, so that coming back puts the focus on the same row. Kept while the pages are open. */

export interface Spot {
  readonly id: string;
  readonly index: number;
}
const spots = new Map<string, Spot>();

export const rememberedSpot = (list: string): Spot | undefined => spots.get(list);

export function rememberSpot(list: string, spot: Spot): void {
  spots.set(list, spot);
}
