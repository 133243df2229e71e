/**
 * What can be told of a unix socket before connecting: whose it is, who may use it, and which folder on the way is closed to us.
 *
 * Looks at names, owners and modes alone; opens nothing. Never rejects.
 */
import { access, constants, readFile, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import { done, stopped, CHECK_EXIT, type Evidence, type Outcome } from './report.ts';

/** Whether there is a socket that we may use, and what is known of it. */
export async function lookAtSocket(path: string): Promise<Outcome<null>> {
  const evidence: Evidence[] = [{ name: 'path', value: path }];
  const no = (says: string): Outcome<null> => stopped(CHECK_EXIT.connect, says, evidence);
  let facts;
  try {
    facts = await stat(path);
  } catch (error) {
    return no(await whyNot(path, (error as NodeJS.ErrnoException).code ?? 'unreadable', evidence));
  }
  const [owner, group] = await Promise.all([nameOf('passwd', facts.uid), nameOf('group', facts.gid)]);
  const mode = (facts.mode & 0o7777).toString(8).padStart(4, '0');
  evidence.push(
    { name: 'owner', value: owner },
    { name: 'group', value: group },
    { name: 'mode', value: mode },
    { name: 'we are', value: whoAmI() },
  );
  if (!facts.isSocket())
    return no(
      `${path} is ${facts.isDirectory() ? 'a folder' : 'a file'} and no socket: compare the path with the filter’s own setting`,
    );
  const mine = `it belongs to ${owner}:${group} with mode ${mode}, and we are ${whoAmI()}`;
  try {
    await access(path, constants.R_OK | constants.W_OK);
  } catch {
    return no(
      `we may not use the socket ${path}: ${mine}; add our user to the group ${group} and let the filter make the socket with mode 0660`,
    );
  }
  return done(null, `the socket is there and we may use it: ${mine}`, evidence);
}

async function whyNot(path: string, code: string, evidence: Evidence[]): Promise<string> {
  if (code === 'ENOENT') {
    const folder = dirname(path);
    const there = await stat(folder).then(
      (f) => f.isDirectory(),
      () => false,
    );
    return there
      ? `there is no socket ${path}: the filter is not started, or makes its socket elsewhere`
      : `there is no folder ${folder}: the filter was never started, or makes its socket elsewhere`;
  }
  if (code !== 'EACCES') return `the socket ${path} cannot be looked at (${code})`;
  const folder = await closedFolder(path);
  const facts = await stat(folder).catch(() => null);
  if (!facts) return `the folder ${folder} is closed to us: we are ${whoAmI()}`;
  const [owner, group] = await Promise.all([nameOf('passwd', facts.uid), nameOf('group', facts.gid)]);
  const mode = (facts.mode & 0o7777).toString(8).padStart(4, '0');
  evidence.push(
    { name: 'folder', value: folder },
    { name: 'owner', value: owner },
    { name: 'group', value: group },
    { name: 'mode', value: mode },
  );
  return `the folder ${folder} is closed to us: it belongs to ${owner}:${group} with mode ${mode}, and we are ${whoAmI()}; add our user to the group ${group}, or give others the right to pass (x)`;
}

/** The outermost folder on the way that we may not pass. */
async function closedFolder(path: string): Promise<string> {
  let closed = dirname(path);
  for (let folder = closed; ; folder = dirname(folder)) {
    const passes = await access(folder, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (!passes) closed = folder;
    if (folder === dirname(folder)) return closed;
  }
}

/** The user this process runs as, and its groups by number. */
export function whoAmI(): string {
  const groups = process.getgroups?.() ?? [];
  let name: string;
  try {
    name = userInfo().username;
  } catch {
    name = `user ${process.getuid?.() ?? '?'}`;
  }
  return groups.length > 0 ? `${name} (groups ${groups.slice(0, 16).join(' ')})` : name;
}

/** The name of a number in /etc/passwd or /etc/group; the number where it has none there. */
async function nameOf(list: 'passwd' | 'group', id: number): Promise<string> {
  const text = await readFile(`/etc/${list}`, 'utf8').catch(() => '');
  for (const line of text.split('\n')) {
    const [name, , number] = line.split(':');
    if (name && Number(number) === id && number !== '') return name;
  }
  return String(id);
}
