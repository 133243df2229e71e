/**
 * The no-op filter where libmilter is missing: every handler, continue at each.
 *
 * Usage: node-filter.ts [-a] [-t milliseconds] inet:PORT@127.0.0.1
 *   -a  take the right to add header fields, as a scanner does (default: no right)
 *   -t  sleep this long at end of message before the answer
 */
import { parseArgs } from 'node:util';
import { defineMilter, serve } from '#milter/filter';
import { pause } from '../test/support/wait.ts';

const nothing = (): void => {};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    a: { type: 'boolean', short: 'a', default: false },
    t: { type: 'string', short: 't', default: '0' },
  },
});
const sleep = Number(values.t);
const filter = defineMilter({
  name: 'bench',
  wants: values.a ? ['addHeaders'] : [],
  onConnect: nothing,
  onHelo: nothing,
  onMail: nothing,
  onRcpt: nothing,
  onData: nothing,
  onHeaders: nothing,
  onMessage: sleep > 0 ? () => pause(sleep) : nothing,
  onUnknown: nothing,
});
await serve(filter, { listen: positionals[0] ?? '' });
