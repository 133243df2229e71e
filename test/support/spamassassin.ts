/**
 * A real spamd with spamass-milter in front of it: rules of its own in a folder, nothing of the system's, no network.
 *
 * Needs Debian's spamd and spamass-milter. Two phrases count: SPAM_PHRASE marks a message and has its body replaced by a
 * report, GTUBE has it rejected. Ready when the milter accepts at its place.
 */
import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { spelled, startFilter, type Place } from './filter-program.ts';
import { tempFolder, type Cleanup } from './folders.ts';
import { freePort } from './ports.ts';
import { account, GTUBE } from './rspamd.ts';

/** Ten points: more than is needed for spam, less than is needed for a refusal. */
export const SPAM_PHRASE = 'cheap watches for everybody';

/** Starts spamd and a milter at each of these places; all end with the test. */
export async function startSpamassassin(cleanup: Cleanup, places: readonly Place[]): Promise<void> {
  const folder = await tempFolder(cleanup, 'millrace-spamassassin');
  const [rules, site, home] = [join(folder, 'rules'), join(folder, 'site'), join(folder, 'home')];
  for (const made of [rules, site, home]) await mkdir(made);
  await writeFile(join(site, 'init.pre'), 'loadplugin Mail::SpamAssassin::Plugin::Check\n');
  await writeFile(join(rules, 'local.cf'), RULES);
  const port = await freePort();
  const user: string[] = [];
  if (process.getuid?.() === 0) {
    const { uid, gid } = await account('debian-spamd');
    await chown(home, uid, gid);
    user.push('-u', 'debian-spamd');
  }
  const spamd = [
    '-L',
    '-x',
    '-i',
    '127.0.0.1',
    '-p',
    String(port),
    '-m',
    '2',
    '--min-children',
    '1',
    '-s',
    'stderr',
  ];
  await startFilter(
    cleanup,
    'spamd',
    [...spamd, '-C', rules, '--siteconfigpath', site, '-H', home, ...user],
    port,
  );
  for (const place of places)
    await startFilter(
      cleanup,
      'spamass-milter',
      [
        '-p',
        typeof place === 'number' ? spelled(place) : place,
        '-r',
        '15',
        '--',
        '-d',
        '127.0.0.1',
        '-p',
        String(port),
      ],
      place,
    );
}

const quoted = (text: string): string => text.replace(/[^A-Za-z0-9 ]/g, '\\$&');

const RULES = `required_score 5
report_safe 1
rewrite_header Subject [SPAM]
use_bayes 0
dns_available no
add_header spam Flag _YESNOCAPS_
add_header all Status _YESNO_, score=_SCORE_ required=_REQD_ tests=_TESTS_
clear_report_template
report This looks like spam to the test.
body LOCAL_PHRASE /${quoted(SPAM_PHRASE)}/
score LOCAL_PHRASE 10
body LOCAL_GTUBE /${quoted(GTUBE)}/
score LOCAL_GTUBE 1000
`;
