/**
 * The doors of the gateway and the servers they lead to: one server per listener, one door per address.
 *
 * A change opens the addresses that are new, closes those that are gone and touches no other: an address whose listener has
 * another name or other options now leads to what the configuration says, without being closed. When an address cannot be had,
 * everything stays as it was. A listener that is gone drains. Changes are made one at a time: the caller sees to that.
 */
import type { NoticeSink } from '#notices';
import { createSmtpServer, openDoor, type Door, type SmtpServer, type SmtpServerOptions } from '#smtp/server';

/** A listener as it shall be. */
export interface WantedListener {
  /** `host:port`, `[v6]:port`, `unix:/path`. */
  readonly binds: readonly string[];
  readonly options: SmtpServerOptions;
}

/** An open door of a listener, under the address that the configuration has for it. */
interface OpenDoor {
  readonly bind: string;
  server: SmtpServer;
  door: Door;
}

interface OpenListener {
  readonly name: string;
  readonly server: SmtpServer;
  readonly doors: readonly OpenDoor[];
}

/** A change made ready: its new addresses are open. One of the two is to be called. */
export interface PreparedDoors {
  commit(): void;
  /** Everything is as before when this resolves. */
  cancel(): Promise<void>;
}

/** How a change is to be made. */
interface Plan {
  readonly wanted: readonly WantedListener[];
  readonly before: readonly OpenListener[];
  readonly servers: readonly SmtpServer[];
  readonly kept: readonly (readonly (OpenDoor | undefined)[])[];
  readonly gone: readonly OpenDoor[];
  /** For each listener the doors it lacked, by their position. */
  readonly opened: readonly ReadonlyMap<number, OpenDoor>[];
}

/** All doors. */
export class Doors {
  readonly #notices: NoticeSink;
  #listeners: readonly OpenListener[] = [];
  /** Servers of listeners that are gone, until their last session is. */
  readonly #leaving = new Set<SmtpServer>();

  constructor(notices: NoticeSink) {
    this.#notices = notices;
  }

  /** Addresses listened on, per listener name, with the ports that were got. */
  get addresses(): ReadonlyMap<string, readonly string[]> {
    return new Map(this.#listeners.map(({ name, doors }) => [name, doors.map(({ door }) => door.address)]));
  }

  /** Sessions open now over all listeners, those gone before included. */
  get sessions(): number {
    let sessions = 0;
    for (const { server } of this.#listeners) sessions += server.sessions;
    for (const server of this.#leaving) sessions += server.sessions;
    return sessions;
  }

  /** Makes the doors be as wanted. Rejects with the cause when an address cannot be opened; then nothing has changed. */
  async change(wanted: readonly WantedListener[]): Promise<void> {
    (await this.prepare(wanted)).commit();
  }

  /** Opens what a change needs and changes nothing else: who comes in by a new address meets its listener as it was. */
  async prepare(wanted: readonly WantedListener[]): Promise<PreparedDoors> {
    const before = this.#listeners;
    const servers = serversFor(wanted, before);
    const kept = keptDoors(wanted, servers, before);
    const keeping = new Set(kept.flat());
    const gone = before.flatMap(({ doors }) => doors).filter((open) => !keeping.has(open));
    const madeRoom = new Set<OpenDoor>();
    const opened = await openMissing(wanted, servers, kept, gone, madeRoom);
    return {
      commit: () => this.#commit({ wanted, before, servers, kept, gone, opened }),
      cancel: () => undo(opened, madeRoom),
    };
  }

  #commit({ wanted, before, servers, kept, gone, opened }: Plan): void {
    this.#listeners = wanted.map(({ options }, i) => {
      const server = servers[i]!;
      const fresh = opened[i]!;
      const doors = kept[i]!.map((open, b) => open ?? fresh.get(b)!);
      server.reconfigure(options);
      for (const open of doors) {
        open.server = server;
        open.door.lead(server);
      }
      if (fresh.size > 0)
        this.#notices('smtp.listening', {
          listener: options.listener,
          addresses: [...fresh.values()].map(({ door }) => door.address),
        });
      return { name: options.listener, server, doors };
    });
    for (const { door } of gone) door.close();
    for (const { server } of before) if (!servers.includes(server)) this.#leave(server);
  }

  /** Closes all doors and drains all servers, those of listeners gone before included. May be called again with a shorter grace. */
  async close(graceMs: number): Promise<void> {
    const servers = [...this.#listeners.map(({ server }) => server), ...this.#leaving];
    for (const { doors } of this.#listeners) for (const { door } of doors) door.close();
    await Promise.all(servers.map((server) => server.close(graceMs)));
  }

  #leave(server: SmtpServer): void {
    this.#leaving.add(server);
    void server.close().then(() => this.#leaving.delete(server));
  }
}

/** For each listener its server: that of the same name, else one that is left over and has an address of it, else a new one. */
function serversFor(wanted: readonly WantedListener[], before: readonly OpenListener[]): SmtpServer[] {
  const names = new Set(wanted.map(({ options }) => options.listener));
  const left = new Set(before.filter(({ name }) => !names.has(name)));
  return wanted.map(({ binds, options }) => {
    const same = before.find(({ name }) => name === options.listener);
    const renamed = [...left].find(({ doors }) => doors.some(({ bind }) => binds.includes(bind)));
    if (!same && renamed) left.delete(renamed);
    return (same ?? renamed)?.server ?? createSmtpServer(options);
  });
}

/** For each address of each listener the door that is open there. With port 0, which may occur repeatedly, its own one only. */
function keptDoors(
  wanted: readonly WantedListener[],
  servers: readonly SmtpServer[],
  before: readonly OpenListener[],
): (OpenDoor | undefined)[][] {
  const taken = new Set<OpenDoor>();
  return wanted.map(({ binds }, i) =>
    binds.map((bind) => {
      const from = bind.endsWith(':0') ? before.filter(({ server }) => server === servers[i]) : before;
      const open = from.flatMap(({ doors }) => doors).find((d) => d.bind === bind && !taken.has(d));
      if (open) taken.add(open);
      return open;
    }),
  );
}

/** For each listener the doors it lacks, opened, by their position: all of them or none. */
async function openMissing(
  wanted: readonly WantedListener[],
  servers: readonly SmtpServer[],
  kept: readonly (readonly (OpenDoor | undefined)[])[],
  gone: readonly OpenDoor[],
  madeRoom: Set<OpenDoor>,
): Promise<Map<number, OpenDoor>[]> {
  const opened = wanted.map(() => new Map<number, OpenDoor>());
  try {
    for (const [i, { binds }] of wanted.entries())
      for (const [b, bind] of binds.entries()) {
        const server = servers[i]!;
        if (!kept[i]![b]) opened[i]!.set(b, { bind, server, door: await open(bind, server, gone, madeRoom) });
      }
  } catch (error) {
    await undo(opened, madeRoom);
    throw error;
  }
  return opened;
}

/** Closes what was opened, and opens again what was closed for it. */
async function undo(
  opened: readonly ReadonlyMap<number, OpenDoor>[],
  madeRoom: ReadonlySet<OpenDoor>,
): Promise<void> {
  for (const doors of opened) for (const { door } of doors.values()) door.close();
  for (const closed of madeRoom)
    await openDoor(closed.bind, closed.server).then(
      (door) => (closed.door = door),
      (again: Error) => closed.server.failed(again),
    );
}

/** Opens one door. Addresses that will be gone make room for one that covers them, as 0.0.0.0:25 does 127.0.0.1:25. */
async function open(
  bind: string,
  server: SmtpServer,
  gone: readonly OpenDoor[],
  madeRoom: Set<OpenDoor>,
): Promise<Door> {
  try {
    return await openDoor(bind, server);
  } catch (error) {
    const inTheWay = gone.filter((g) => portOf(g.bind) === portOf(bind) && !madeRoom.has(g));
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || inTheWay.length === 0) throw error;
    for (const way of inTheWay) {
      madeRoom.add(way);
      way.door.close();
    }
    return openDoor(bind, server);
  }
}

/** The port of a bind; of a UNIX socket its path. */
function portOf(bind: string): string {
  return bind.slice(bind.lastIndexOf(':'));
}
