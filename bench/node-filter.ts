/**
 * The no-op filter where libmilter is missing: every handler, continue at each. It takes the right to add header fields alone.
 * Usage: node-filter.ts [-t milliseconds] inet:PORT@127.0.0.1 (-t: sleep this long at end of message before the answer)
 */
import { parseArgs } from 'node:util';
import { defineMilter, serve } from '#milter/filter';
import { pause } from '../test/support/wait.ts';

const nothing = (): void => {};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { t: { type: 'string', short: 't', default: '0' } },
});
const sleep = Number(values.t);
const filter = defineMilter({
  name: 'bench',
  wants: ['addHeader'],
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
