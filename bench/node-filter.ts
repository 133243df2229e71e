/** The no-op filter where libmilter is missing: every handler, continue at each. Usage: node-filter.ts inet:PORT@127.0.0.1 */
import { defineMilter, serve } from '#milter/filter';

const nothing = (): void => {};

const [, , listen = ''] = process.argv;
const filter = defineMilter({
  name: 'bench',
  onConnect: nothing,
  onHelo: nothing,
  onMail: nothing,
  onRcpt: nothing,
  onData: nothing,
  onHeaders: nothing,
  onMessage: nothing,
  onUnknown: nothing,
});
await serve(filter, { listen });
