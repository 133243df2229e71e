/** PLAIN (RFC 4616): one response, `[authzid] NUL authcid NUL passwd`. */
import { MALFORMED, type Mechanism, type Step } from './mechanism.ts';

/** One exchange of PLAIN. */
export function plain(): Mechanism {
  return {
    name: 'PLAIN',
    start: (initial) => (initial === null ? { kind: 'challenge', text: '' } : parsePlain(initial)),
    next: parsePlain,
  };
}

/** Takes the message apart: exactly two NULs, a name and a password that are not empty. */
export function parsePlain(message: string): Step {
  const first = message.indexOf('\0');
  const second = message.indexOf('\0', first + 1);
  if (first < 0 || second < 0 || message.includes('\0', second + 1)) return MALFORMED;
  const name = message.slice(first + 1, second);
  const password = message.slice(second + 1);
  if (name === '' || password === '') return MALFORMED;
  return { kind: 'password', name, authority: message.slice(0, first), password };
}
