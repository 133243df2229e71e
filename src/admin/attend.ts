/**
 * Opens the doors for operators beside a running gateway: always the control socket, and `admin.bind` when it is configured.
 *
 * A door that cannot be opened is noticed and left closed: mail goes on without it. Never rejects.
 */
import { join } from 'node:path';
import type { Attend } from '#gateway';
import { CONTROL_SOCKET, metricsOpen, type BindAddress } from '#gateway/config';
import { tokenAccess } from './access/bearer.ts';
import { makeApp } from './app.ts';
import { openDoor, type Door } from './sockets.ts';
import { tokenOf } from './token.ts';

/** See Attend. */
export const attend: Attend = async (office, config, { notices }) => {
  const doors: Door[] = [];
  const tryOpen = async (bind: string, open: () => Promise<Door>): Promise<void> => {
    try {
      const door = await open();
      doors.push(door);
      notices('admin.listening', { address: door.address });
    } catch (error) {
      notices('admin.not-listening', { address: bind, error: String(error) });
    }
  };
  const path = join(config.stateDir, CONTROL_SOCKET);
  const control = makeApp(office, null, notices);
  await tryOpen(`unix:${path}`, () => openDoor(control, { kind: 'unix', path }));
  const { admin } = config;
  for (const at of admin?.bind ?? [])
    await tryOpen(shown(at), async () => {
      const token = await tokenOf(admin!.token, notices);
      return openDoor(makeApp(office, tokenAccess(token, notices), notices, metricsOpen(admin!, at)), at);
    });
  return {
    close: async () => {
      await Promise.all(doors.map((door) => door.close()));
    },
  };
};

function shown(at: BindAddress): string {
  return at.kind === 'unix' ? `unix:${at.path}` : `${at.host}:${at.port}`;
}
