/**
 * LOGIN: name and password, each in a response of its own. Never standardised; the words of the challenges are what clients know.
 * An initial response, which some clients send, is the name.
 */
import { MALFORMED, type Mechanism, type Step } from './mechanism.ts';

/** One exchange of LOGIN. */
export function login(): Mechanism {
  let name: string | null = null;
  const next = (response: string): Step => {
    if (response === '' || response.includes('\0')) return MALFORMED;
    if (name !== null) return { kind: 'password', name, authority: '', password: response };
    name = response;
    return { kind: 'challenge', text: 'Password:' };
  };
  return {
    name: 'LOGIN',
    start: (initial) => (initial === null ? { kind: 'challenge', text: 'Username:' } : next(initial)),
    next,
  };
}
