/**
 * A way to a filter that takes time: a TCP proxy that holds back every byte for a while in each direction, and counts how often
 * whoever speaks to the filter stops to listen while it tells of a message's content.
 *
 * It reads the frames towards the filter by their length and code letter only, and shares no code with the protocol folders.
 */
import { connect, createServer, type Socket } from 'node:net';
import type { Cleanup } from './folders.ts';

/** How the content of one message went: from its first frame to the last answer. */
export interface ContentTold {
  /** Times an answer followed upon frames of content: each is a wait for the way there and back, or less. */
  readonly waits: number;
  /** Times an answer followed upon nothing but macros. */
  readonly nudges: number;
}

/** A running proxy. */
export interface Distance {
  /** Where to reach the filter through it, on loopback. */
  readonly port: number;
  /** Every message whose content is over, since the last call. */
  contents(): readonly ContentTold[];
}

/** Header field, end of header, body, end of message. */
const CONTENT = 'LNBE';

/** Starts one before the filter on this loopback port. `oneWayMs` is the least that a byte takes. Ends with the test. */
export async function startDistance(
  cleanup: Cleanup,
  filterPort: number,
  oneWayMs: number,
): Promise<Distance> {
  let done: ContentTold[] = [];
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port: filterPort, host: '127.0.0.1', noDelay: true });
    const watch = new Watch((told) => done.push(told));
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => open.delete(socket));
    }
    carry(near, far, oneWayMs, (bytes) => watch.asked(bytes));
    carry(far, near, oneWayMs, () => watch.answered());
    near.on('close', () => watch.over());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  cleanup.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    contents() {
      const taken = done;
      done = [];
      return taken;
    },
  };
}

/** Timers of one length fire in the order they were set, so bytes keep theirs. */
function carry(from: Socket, to: Socket, ms: number, see: (bytes: Buffer) => void): void {
  from.on('data', (bytes: Buffer) => {
    see(bytes);
    setTimeout(() => to.writable && to.write(bytes), ms);
  });
  from.on('close', () => setTimeout(() => to.end(), ms));
}

/** Counts on one connection. */
class Watch {
  readonly #tell: (told: ContentTold) => void;
  #input: Buffer = Buffer.alloc(0);
  #inContent = false;
  #waits = 0;
  #nudges = 0;
  /** What has been said since the filter last spoke. */
  #content = false;
  #macros = false;

  constructor(tell: (told: ContentTold) => void) {
    this.#tell = tell;
  }

  /** Bytes towards the filter. */
  asked(bytes: Buffer): void {
    this.#input = this.#input.length === 0 ? bytes : Buffer.concat([this.#input, bytes]);
    let at = 0;
    while (this.#input.length - at >= 5) {
      const end = at + 4 + this.#input.readUInt32BE(at);
      if (this.#input.length < end) break;
      this.#frame(this.#input.toString('latin1', at + 4, at + 5));
      at = end;
    }
    this.#input = this.#input.subarray(at);
  }

  /** Bytes from the filter. */
  answered(): void {
    if (this.#inContent && this.#content) this.#waits += 1;
    else if (this.#inContent && this.#macros) this.#nudges += 1;
    this.#content = this.#macros = false;
  }

  /** Another message begins, or the connection ends. */
  over(): void {
    if (this.#inContent) this.#tell({ waits: this.#waits, nudges: this.#nudges });
    this.#inContent = this.#content = this.#macros = false;
    this.#waits = this.#nudges = 0;
  }

  #frame(code: string): void {
    if (CONTENT.includes(code)) this.#inContent = this.#content = true;
    else if (code === 'D') this.#macros = true;
    else this.over();
  }
}
