/** Which notices a gateway in the test's process gave. */
import type { NoticeName } from '#notices';
import type { Heard, House } from './house.ts';

/** All of this name, oldest first. */
export function heard(house: House, name: NoticeName): readonly Heard[] {
  return house.heard.filter((n) => n.name === name);
}
