/** The marker filter as a program: adds `X-Filter-Marker: VALUE` to every message. Usage: PORT VALUE, on loopback. */
import { defineMilter, serve } from '#milter/filter';

const [, , port = '', value = ''] = process.argv;
const filter = defineMilter({
  name: 'marker',
  needs: ['addHeaders'],
  onMessage(_session, _envelope, message) {
    message.headers.add('X-Filter-Marker', value);
  },
});
await serve(filter, { listen: `inet:${port}@127.0.0.1` });
