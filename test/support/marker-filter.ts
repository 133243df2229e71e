/**
 * Starts a filter as a process of its own, made with the SDK: it adds `X-Filter-Marker: VALUE` to every message. So a test
 * can see whether a message was filtered, and can kill the filter and start it again like a real one.
 */
import { join } from 'node:path';
import { ROOT, type Cleanup } from './folders.ts';
import { launch, type Running } from './processes.ts';
import { accepts, until } from './wait.ts';

/** Starts it on this loopback port and waits until it accepts; it ends with the test. */
export async function startMarkerFilter(cleanup: Cleanup, port: number, value: string): Promise<Running> {
  const program = join(ROOT, 'test', 'support', 'marker-filter-program.ts');
  const args = ['--conditions=source', '--import', import.meta.resolve('tsx'), program, String(port), value];
  const filter = launch('marker-filter', process.execPath, args, { cwd: ROOT });
  cleanup.after(() => filter.end(1000));
  await until(`the marker filter to listen on ${port}`, 20_000, () => {
    if (filter.ended) throw new Error(`the marker filter ended:\n${filter.output}`);
    return accepts(port);
  });
  return filter;
}
