/**
 * The token of the HTTP API: as configured, or from its file, which is made (mode 0600) when it is not there.
 *
 * There is no token that everybody knows. Never logged. Throws what the file system said, and TokenError for a file that holds
 * none.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TOKEN, type AdminToken } from '#gateway/config';
import type { NoticeSink } from '#notices';

/** A token file that holds no token. */
export class TokenError extends Error {
  readonly code = 'bad_token';
}

/** The token. */
export async function tokenOf(token: AdminToken, notices: NoticeSink): Promise<string> {
  if ('text' in token) return token.text;
  const made = await make(token.file);
  if (made !== null) {
    notices('admin.token-made', { file: token.file });
    return made;
  }
  const text = (await readFile(token.file, 'latin1')).trim();
  if (!TOKEN.test(text)) throw new TokenError(`${token.file} holds no token of 16 to 256 characters`);
  return text;
}

/** Makes the file; null when it is there. */
async function make(path: string): Promise<string | null> {
  const token = randomBytes(32).toString('base64url');
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const { O_CREAT, O_EXCL, O_WRONLY } = constants;
    const file = await open(path, O_CREAT | O_EXCL | O_WRONLY, 0o600);
    try {
      await file.writeFile(`${token}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    return token;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return null;
    throw error;
  }
}
