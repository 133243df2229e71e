/**
 * What parameters of MAIL ask of us: room for the declared size (RFC 1870 6.1) and a priority (RFC 6710).
 *
 * Called by path.ts before any filter is asked, so that filters, spool and next hop see what was granted. Pure; never throws.
 */
import { parameter, priorityOf, status, type Status } from '#message';

const SENDER_OK = status(250, '2.1.0', 'Ok');
const NO_SPACE = status(452, '4.3.1', 'Insufficient system storage');
/** RFC 6710 X.3.6: taken, with another priority than was asked for; the text begins with the one it got. */
const ORDINARY = status(250, '2.3.6', '0 is the priority of mail from here');

/** Whether a message of the declared size fits into `free` bytes; without a declaration, whether anything does. */
export function fits(params: readonly string[], free: number): boolean {
  return free > 0 && (params.length === 0 || Number(parameter(params, 'SIZE') ?? 0) <= free);
}

/** What MAIL is refused with when there is no room. */
export function noRoom(params: readonly string[], free: number): Status | null {
  return fits(params, free) ? null : NO_SPACE;
}

/** Parameters as they count from here on, and what MAIL is answered when nothing else speaks against it. */
export interface Granted {
  readonly params: readonly string[];
  readonly reply: Status;
}

/**
 * A stranger may lower the priority of its mail and not raise it: what is above 0 becomes 0, and it is told so. `trusted` is asked
 * only when it matters.
 */
export function grant(params: readonly string[], trusted: () => boolean): Granted {
  if (priorityOf(params) <= 0 || trusted()) return { params, reply: SENDER_OK };
  return {
    params: params.map((p) => (/^MT-PRIORITY=/i.test(p) ? 'MT-PRIORITY=0' : p)),
    reply: ORDINARY,
  };
}
