/** An MTA whose bytes are written by hand, for tests: no codec of ours between the test and the filter. */
import { converse, type Filter, type LogEntry, type Wire } from './index.ts';

/** A frame from its letter (for macros with the one they belong to, `DM`) and its payload, one character per byte. */
export function frame(code: string, payload = ''): Uint8Array {
  const length = code.length + payload.length;
  return Buffer.concat([
    Buffer.from([(length >>> 24) & 255, (length >>> 16) & 255, (length >>> 8) & 255, length & 255]),
    Buffer.from(code + payload, 'latin1'),
  ]);
}

/** An offer of version 6 with everything, or what is given. */
export function offer(version = 6, actions = 0x1ff, protocol = 0x1fffff): Uint8Array {
  const b = Buffer.alloc(12);
  b.writeUInt32BE(version, 0);
  b.writeUInt32BE(actions, 4);
  b.writeUInt32BE(protocol, 8);
  return frame('O', b.toString('latin1'));
}

/** An offer that grants all actions but no protocol bit, so that every event is sent and answered. */
export const PLAIN_OFFER = offer(6, 0x1ff, 0);
export const CONNECT = frame('C', 'client.example\x004\xa0\x28192.0.2.10\0');
export const HELO = frame('H', 'client.example\0');
export const MAIL = frame('M', '<a@b.example>\0');
export const RCPT = frame('R', '<r@example.org>\0');

/** Cuts frames out of bytes, by hand: `c`, `y550 5.7.1 no\0`. */
export function framesOf(bytes: Uint8Array): string[] {
  const b = Buffer.from(bytes);
  const frames: string[] = [];
  for (let at = 0; at < b.length;) {
    const end = at + 4 + b.readUInt32BE(at);
    frames.push(b.toString('latin1', at + 4, end));
    at = end;
  }
  return frames;
}

/** A filter reached by bytes in memory. */
export function raw(filter: Filter, wire: Partial<Wire> = {}) {
  const parts: Uint8Array[] = [];
  const log: LogEntry[] = [];
  const state = { ended: false };
  let stirred: (() => void)[] = [];
  const stir = (): void => {
    for (const wake of stirred.splice(0)) wake();
  };
  const conversation = converse(
    filter,
    {
      send(sent) {
        parts.push(...sent);
        stir();
      },
      pause: () => {},
      resume: () => {},
      end() {
        state.ended = true;
        stir();
      },
      ...wire,
    },
    (entry) => log.push(entry),
  );
  const mta = {
    conversation,
    log,
    get ended() {
      return state.ended;
    },
    /** Sends bytes, nothing waited for. */
    say(...frames: Uint8Array[]) {
      for (const f of frames) conversation.receive(f);
      return mta;
    },
    /** All that was answered so far, taken away. */
    heard(): string[] {
      return framesOf(Buffer.concat(parts.splice(0)));
    },
    /** Waits until `count` frames have been answered, and takes them. */
    async hears(count: number): Promise<string[]> {
      const got: string[] = [];
      while (got.push(...mta.heard()) < count && !state.ended)
        await new Promise<void>((resolve) => (stirred = [...stirred, resolve]));
      return got;
    },
    /** Waits until the filter has closed. */
    async closes(): Promise<void> {
      while (!state.ended) await new Promise<void>((resolve) => (stirred = [...stirred, resolve]));
    },
  };
  return mta;
}
