/**
 * A file replaced as a whole: whoever reads it sees the old text or the new one, also after a crash at any moment.
 *
 * The new text is written beside it, synced, and renamed over it; then the folder is synced. The name beside it is always the
 * same, so that what a crash leaves is overwritten by the next one. Rejects with what the system said; the file is as it was then,
 * unless only the folder could not be synced.
 */
import { chmod, chown, open, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Writes `text`. Mode and owner of a file that is there are kept; a new one gets `mode`. */
export async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  const beside = join(dirname(path), `.${basename(path)}.new`);
  const old = await stat(path).catch(() => null);
  try {
    // What a crash left may have another owner or mode.
    await unlink(beside).catch(() => undefined);
    const file = await open(beside, 'wx', old ? old.mode & 0o777 : mode);
    try {
      await file.writeFile(text);
      if (old) await likeBefore(beside, old);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await unlink(beside).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
}

/** The umask took bits away; only root may give files to others. */
async function likeBefore(path: string, old: { uid: number; gid: number; mode: number }): Promise<void> {
  await chmod(path, old.mode & 0o7777);
  const made = await stat(path);
  if (made.uid !== old.uid || made.gid !== old.gid)
    await chown(path, old.uid, old.gid).catch(() => undefined);
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
