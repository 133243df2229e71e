/** Users: unique names, the file they may stand in. See resolve.ts for the promises. */
import { invalid } from './diagnostics.ts';
import type { Resolving } from './resolve.ts';
import type { Settings } from './schema.ts';
import type { Seen } from './seen.ts';
import type { UserConfig } from './users.ts';

/** The users of the list, and says which listeners offer AUTH to nobody. */
export function resolveUsers(settings: Seen<Settings>, cx: Resolving): readonly UserConfig[] {
  const names = new Set<string>();
  const users: UserConfig[] = [];
  for (const [i, user] of (settings.users ?? []).entries()) {
    const { name, password, senders } = user ?? {};
    if (name === undefined || password === undefined) continue;
    if (names.has(name))
      cx.say({
        ...invalid(['users', i, 'name'], 'another user has this name too', 'keep one of them'),
        code: 'duplicate',
      });
    names.add(name);
    users.push({
      name,
      password: password as UserConfig['password'],
      senders: senders?.filter((sender) => sender !== undefined) ?? null,
    });
  }
  warnOfUselessAuth(settings, cx);
  return users;
}

function warnOfUselessAuth(settings: Seen<Settings>, cx: Resolving): void {
  for (const [i, listener] of (settings.listeners ?? []).entries()) {
    if (!listener?.auth || listener.auth === 'off') continue;
    const path = ['listeners', i, 'auth'];
    const warn = (message: string, remedy: string): void =>
      cx.say({ ...invalid(path, message, remedy), severity: 'warning' });
    if (settings.users === undefined && settings.usersFile === undefined && !cx.refused(['users']))
      warn('there is nobody who could authenticate', 'add users or usersFile');
    if ((listener.tls ?? 'off') === 'off' && !listener.insecureAuth && !cx.refused(['listeners', i, 'tls']))
      warn('AUTH is refused without TLS', 'write tls: starttls, require or implicit, or insecureAuth: true');
  }
}
