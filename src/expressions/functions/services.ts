/**
 * Functions of services that the environment may have (reference 9.6).
 *
 * They may answer later and may fail; a failure is the environment's rejection, passed on. That the service exists is
 * checked at load; an environment that lost it since is a fault.
 */
import { DNS_TYPES, type Service } from '../environment.ts';
import { then } from '../later.ts';
import { ExpressionFault } from '../limits.ts';
import { isFloat, toArray, toNumber, toText, type Value } from '../values.ts';
import type { FunctionGroup, LateAnswer, LateRow } from './row.ts';
import { yesNo } from './row.ts';

/** What the environment has, or a fault. */
function need<T>(service: T | undefined, name: Service): T {
  if (service !== undefined) return service;
  throw new ExpressionFault('expression-unavailable', `this environment has no ${name} service`);
}

const text = (inputs: readonly Value[], i: number): string => toText(inputs[i] ?? '');

/** A number for a counter: whole, within what a double holds exactly. */
function amount(value: Value): number {
  const number = toNumber(value);
  const whole = isFloat(number) ? Math.trunc(number.float) : Number(number);
  const bound = Number.MAX_SAFE_INTEGER;
  return Number.isNaN(whole) ? 0 : Math.max(-bound, Math.min(bound, whole)) + 0;
}

function late(
  service: Service,
  arity: readonly [least: number, most: number],
  answer: LateAnswer,
  effect = false,
): LateRow {
  return { kind: 'late', least: arity[0], most: arity[1], service, answer, effect };
}

const dnsQuery: LateAnswer = (inputs, environment) => {
  const dns = need(environment.dns?.bind(environment), 'dns');
  const wanted = text(inputs, 1).toLowerCase();
  const type = DNS_TYPES.find((known) => known === wanted);
  return type ? dns(text(inputs, 0), type) : '';
};

// The older form of the two has the id of a directory first; it is ignored, the last input is what is asked about.
const isLocalDomain: LateAnswer = (inputs, environment) =>
  then(need(environment.isLocalDomain?.bind(environment), 'local')(text(inputs, inputs.length - 1)), yesNo);

const isLocalAddress: LateAnswer = (inputs, environment) =>
  then(need(environment.isLocalAddress?.bind(environment), 'local')(text(inputs, inputs.length - 1)), yesNo);

export const serviceFunctions: FunctionGroup = {
  is_local_domain: late('local', [1, 2], isLocalDomain),
  is_local_address: late('local', [1, 2], isLocalAddress),
  dns_query: late('dns', [2, 2], dnsQuery),
  key_get: late('store', [2, 2], (inputs, { store }) =>
    need(store, 'store').get(text(inputs, 0), text(inputs, 1)),
  ),
  key_exists: late('store', [2, 2], (inputs, { store }) =>
    then(need(store, 'store').has(text(inputs, 0), text(inputs, 1)), yesNo),
  ),
  key_set: late(
    'store',
    [3, 3],
    (inputs, { store }) =>
      then(need(store, 'store').set(text(inputs, 0), text(inputs, 1), text(inputs, 2)), () => 1),
    true,
  ),
  counter_get: late('store', [2, 2], (inputs, { store }) =>
    need(store, 'store').counter(text(inputs, 0), text(inputs, 1)),
  ),
  counter_incr: late(
    'store',
    [3, 3],
    (inputs, { store }) =>
      need(store, 'store').increment(text(inputs, 0), text(inputs, 1), amount(inputs[2] ?? 0)),
    true,
  ),
  sql_query: late('sql', [3, 3], (inputs, environment) =>
    need(environment.sql?.bind(environment), 'sql')(
      text(inputs, 0),
      text(inputs, 1),
      toArray(inputs[2] ?? ''),
    ),
  ),
};
