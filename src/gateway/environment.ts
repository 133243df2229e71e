/** What expressions may ask of this machine: its names, digests, and metrics; the rest of an Environment is the session's. */
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import type { Environment, Value } from '#expressions';

/** An environment whose variables come from `variable`; bound per evaluation, so it is a small object and nothing else. */
export function environmentFor(greetingName: string, metric: (name: string) => number) {
  const fixed: Omit<Environment, 'variable'> = {
    system(name) {
      switch (name) {
        case 'hostname':
        case 'domain':
          return greetingName;
        case 'node_hostname':
          return hostname();
        case 'node_id':
          return 0;
        case 'node_role':
          return '';
      }
    },
    metric,
    hash: (algorithm, bytes) => createHash(algorithm).update(bytes).digest('hex'),
  };
  const { system, hash } = fixed;
  return (variable: (name: string) => Value): Environment => ({ variable, system, metric, hash });
}
