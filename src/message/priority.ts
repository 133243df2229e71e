/** The transfer priority of a message (RFC 6710): read from the MAIL parameters, which carry it wherever the message goes. Pure; never throws. */
import { parameter } from './envelope.ts';

/** MT-PRIORITY of these MAIL parameters, -9 to 9; 0 when there is none or it is not one. */
export function priorityOf(senderParams: readonly string[]): number {
  if (senderParams.length === 0) return 0;
  const value = parameter(senderParams, 'MT-PRIORITY');
  return value !== undefined && PRIORITY_SYNTAX.test(value) ? Number(value) : 0;
}

/** A priority as it is written (RFC 6710 6): one digit, with a minus sign unless it is zero or above. */
export const PRIORITY_SYNTAX: RegExp = /^(?:-[1-9]|[0-9])$/;
