/**
 * A unix socket path made ready to listen on: a socket left behind by a dead process goes, anything else stays.
 *
 * Throws FilterError `socket_in_use` when somebody answers there or when the path is not a socket; a file is never removed.
 */
import { lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { FilterError } from './errors.ts';

/** See the head of the file. */
export async function clearStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (found === null) return;
  if (!found.isSocket()) throw new FilterError('socket_in_use', `${path} exists and is no socket`);
  if (await answers(path)) throw new FilterError('socket_in_use', `another program listens on ${path}`);
  await unlink(path);
}

/** Somebody listens there. Only a refused connection says that nobody does. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
  });
}
