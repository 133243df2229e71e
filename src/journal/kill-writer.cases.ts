/** A process that writes into a journal until it is killed; tells how many rows are on disk. For journal.test.ts. */
import { silent } from '#notices';
import { Journal } from './journal.ts';
import { openTables } from './open.ts';
import { idsOn, row, SETTINGS, WILLING } from './rig.cases.ts';

const [folder = '', round = ''] = process.argv.slice(2);
const clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after: (ms: number, fn: () => void) => {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
};
const newId = idsOn(clock);
const tables = await openTables({
  stateDir: folder,
  isSound: () => Promise.resolve(true),
  probeOf: () => WILLING,
  clock,
  notices: silent,
});
const journal = new Journal({
  settings: SETTINGS,
  tables,
  newId,
  writers: 1,
  hasRoom: () => true,
  damaged: () => undefined,
  clock,
  notices: silent,
});

for (let n = 1; ; n++) {
  const session = `${Date.now().toString(36)}-${n}`;
  const recorder = journal.record(session, '192.0.2.7', 'smtp')!;
  recorder.line('MAIL FROM:<a@out.test>');
  const id = newId();
  recorder.begun(id, 'a@out.test');
  recorder.ended('rejected', 1);
  recorder.reply('550 5.7.1 no\r\n');
  recorder.close();
  journal.row(row(id, { listener: `round${round}`, outcome: 'rejected', session, part: recorder.part }));
  if (n % 50 !== 0) continue;
  await journal.flush();
  process.send?.(n);
}
