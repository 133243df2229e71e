import { spawn } from 'node:child_process';
import { writeFileSync, readFileSync } from 'node:fs';
import { Cleanup } from './support/folders.ts';
import { startNextHop, type TakenMessage } from './support/next-hop.ts';
import { Recorder } from './differential/recorder.ts';
import { play } from './differential/client.ts';
import { ORDINARY } from './differential/sessions.ts';
import { VERDICT_SCENARIOS } from './differential/verdicts.ts';
import { EDIT_SCENARIOS } from './differential/edits.ts';
import { transcriptOf } from './differential/transcript.ts';
import { greets, until, pause } from './support/wait.ts';
import { makeCertificate, startMillraceWorld } from './differential/worlds.ts';
const cleanup = new Cleanup();
const R = '/run/sm-test';
const dump = (t: any): string => [...t.replies.map((l: string) => 'S: ' + l), ...t.events.map((l: string) => 'F: ' + l), ...t.delivered.map((l: string) => 'M: ' + l), `held ${t.held}`].join('\n') + '\n';
try {
  const taken: TakenMessage[] = [];
  await startNextHop(cleanup, 2601, (m) => { taken.push(m); return '250 2.0.0 ok'; }, ['DSN', 'SIZE']);
  const recorder = await Recorder.listen(cleanup, `${R}/filter`);
  const child = spawn('/tmp/sm/run/bin/sendmail', ['-bD', '-C', `${R}/t.cf`, '-X', `${R}/log`], { env: { ...process.env, LD_LIBRARY_PATH: '/tmp/sm/root/usr/lib/x86_64-linux-gnu' }, stdio: ['ignore', 'inherit', 'inherit'] });
  cleanup.after(() => void child.kill('SIGTERM'));
  const t0 = Date.now();
  await until('sendmail', 100_000, () => greets(2600), 100);
  console.log('up after', Date.now() - t0);
  const certificate = await makeCertificate(cleanup);
  const millrace = await startMillraceWorld(cleanup, certificate, false);
  let [a, b] = ['', ''];
  const all = [...ORDINARY, ...VERDICT_SCENARIOS, ...EDIT_SCENARIOS].filter((s) => !process.argv[2] || s.name.includes(process.argv[2]));
  for (const s of all) {
    try {
      await until('rest', 5000, () => recorder.idle, 2);
      taken.length = 0; recorder.begin(s.script);
      const { replies, clientPort } = await play(2600, s.steps);
      await until('over', 5000, () => recorder.over, 2).catch(() => 0);
      const due = replies.filter((r) => r.to === 'content' && r.lines[0]?.startsWith('250')).length;
      await until('delivered', 300, () => taken.length >= due, 5).catch(() => 0);
      a += `\n=== ${s.name}\n` + dump(transcriptOf({ replies, heard: recorder.heard, delivered: [...taken], held: 0, clientPort, port: 2600 }));
    } catch (e) { a += `\n=== ${s.name}\nERROR ${String(e).slice(0, 200)}\n`; }
    b += `\n=== ${s.name}\n` + dump(transcriptOf(await millrace.run(s)));
  }
  writeFileSync('/tmp/diff-0.txt', a.replace(/by mx\.test \(8/g, '')); writeFileSync('/tmp/diff-1.txt', b);
  console.log('done', Date.now() - t0);
} finally { await cleanup.run(); }
process.exit(0);
