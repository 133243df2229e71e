/** Debian's Postfix as a peer: a private instance with its defaults but for limits that a load from one address needs. */
import { mkdir } from 'node:fs/promises';
import type { Cleanup } from '../test/support/folders.ts';
import { startPostfix } from '../test/support/postfix.ts';
import { program, run } from '../test/support/processes.ts';
import type { Ground, Peer } from './peer.ts';

/** Starts it and waits until every listener greets. Throws with the reason where Postfix cannot run. */
export async function startPostfixPeer(cleanup: Cleanup, ground: Ground): Promise<Peer> {
  if (!program('postfix'))
    throw new Error('Postfix is not installed: run scripts/debian-packages.sh as root');
  await mkdir(ground.folder, { recursive: true });
  const postfix = await startPostfix(cleanup, {
    folder: ground.folder,
    nextHopPort: ground.nextHopPort,
    listeners: ground.lanes.map((lane) => ({
      port: ground.listeners.get(lane.name) ?? 0,
      milterPorts: lane.filters.map((filter) => filter.port),
    })),
    wrap: (command) => ground.account.wrap(command),
  });
  const { output } = await run('postconf', 'postconf', ['-dh', 'mail_version']);
  return { name: 'postfix', title: `Postfix ${output.trim()}`, roots: [postfix.masterPid], ground };
}
