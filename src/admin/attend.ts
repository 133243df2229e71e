/**
 * Opens the doors for operators beside a running gateway: always the control socket, and `admin.bind` when it is configured.
 *
 * A door that cannot be opened is noticed and left closed: mail goes on without it. Never rejects.
 */
import { join } from 'node:path';
import type { Attend } from '#gateway';
import { CONTROL_SOCKET, isLoopback, metricsOpen, type BindAddress } from '#gateway/config';
import { Access } from './access/access.ts';
import { Tokens } from './access/tokens.ts';
import { makeApp } from './app.ts';
import { openDoor, type Door } from './sockets.ts';
import { tokenOf } from './token.ts';

/** Name of the file of the tokens below stateDir. */
const TOKENS_FILE = 'tokens.json';

/** See Attend. */
export const attend: Attend = async (office, config, { clock, notices }) => {
  const doors: Door[] = [];
  const tryOpen = async (bind: string, open: () => Promise<Door>): Promise<void> => {
    try {
      const door = await open();
      doors.push(door);
      office.milters.keepFrom(door.at);
      notices('admin.listening', { address: door.address });
    } catch (error) {
      notices('admin.not-listening', { address: bind, error: String(error) });
    }
  };
  const { admin, hostname, stateDir } = config;
  const tokens = await Tokens.open({ file: join(stateDir, TOKENS_FILE), clock, notices });
  const names = [hostname.toLowerCase(), ...(admin?.names ?? [])];
  const access = new Access({ tokens, accounts: office.accounts, names, clock, notices });
  const path = join(stateDir, CONTROL_SOCKET);
  const control = makeApp(office, { access, door: 'owner', metrics: 'open' }, notices);
  await tryOpen(`unix:${path}`, () => openDoor(control, { kind: 'unix', path }));
  for (const at of admin?.bind ?? [])
    await tryOpen(shown(at), async () => {
      tokens.configure(await tokenOf(admin!.token, notices));
      const door = at.kind === 'tcp' && isLoopback(at.host) ? 'loopback' : 'network';
      const metrics = metricsOpen(admin!, at) ? 'open' : 'token';
      return openDoor(makeApp(office, { access, door, metrics }, notices), at);
    });
  return {
    close: async () => {
      await Promise.all(doors.map((door) => door.close()));
      await tokens.close();
    },
  };
};

function shown(at: BindAddress): string {
  return at.kind === 'unix' ? `unix:${at.path}` : `${at.host}:${at.port}`;
}
