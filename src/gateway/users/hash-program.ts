/**
 * The program of the thread that hashes passwords: one task at a time, synchronously, so that neither the event loop nor the shared
 * thread pool ever waits for it. On Linux, where a thread has a priority of its own, it yields to the others.
 *
 * It is text, plain JavaScript, so that the thread starts without loading anything, from the sources as from the built program.
 * It takes HashTask and answers HashAnswer (hash-task.ts), each task once, and keeps nothing.
 */

/** To be started with `new Worker(HASH_PROGRAM, { eval: true })`. */
export const HASH_PROGRAM = `
'use strict';
const { createHash, createHmac, pbkdf2Sync, scryptSync, timingSafeEqual } = require('node:crypto');
const { platform, setPriority } = require('node:os');
const { parentPort } = require('node:worker_threads');

function matches(password, hash) {
  if (hash.kind === 'scrypt') {
    const { ln, r, p, salt, hash: expected } = hash;
    const N = 2 ** ln;
    const maxmem = 128 * N * r + 128 * r * p + 1048576;
    return timingSafeEqual(scryptSync(password, salt, expected.length, { N, r, p, maxmem }), expected);
  }
  const salted = pbkdf2Sync(password, hash.salt, hash.iterations, 32, 'sha256');
  const key = createHmac('sha256', salted).update('Client Key').digest();
  return timingSafeEqual(createHash('sha256').update(key).digest(), hash.storedKey);
}

if (platform() === 'linux') {
  try {
    setPriority(0, 5);
  } catch {}
}

parentPort.on('message', ({ password, hash }) => {
  let answer = null;
  try {
    answer = matches(password, hash);
  } catch {}
  parentPort.postMessage(answer);
});
`;
