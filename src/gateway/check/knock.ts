/**
 * Who is it, when it is no milter: a place that keeps silent or hangs up is spoken to in two other ways, each on a connection of
 * its own, and its first bytes tell. Never rejects; leaves no socket behind.
 */
import { connectTo, secureOver, type MilterClientOptions, type Where } from '#milter/client';
import { strangerOf } from '#milter/protocol';
import { excerptOf, type Evidence } from './report.ts';

/** Milliseconds for each attempt. */
export const KNOCK_TIME = 2000;

/** Something found out. */
export interface Found {
  readonly says: string;
  readonly evidence: readonly Evidence[];
}

/** What to say of a stranger's first bytes; null when they tell nothing. */
export function strangerIn(bytes: Uint8Array): Found | null {
  if (bytes.length < 4) return null;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  const known = strangerOf(length);
  const evidence = [{ name: 'first bytes', value: excerptOf(bytes) }];
  if (known !== null) return { says: known, evidence };
  const text = bytes.subarray(0, 8).every((b) => (b >= 0x20 && b < 0x7f) || b === 0x0d || b === 0x0a);
  if (!text) return null;
  const says = `what answers is not a milter: it begins with “${excerptOf(bytes)}”, which as a milter frame would be ${length} bytes; check host and port`;
  return { says, evidence };
}

/** Whether TLS is spoken there. */
export async function speaksTls(client: MilterClientOptions, where: Where): Promise<Found | null> {
  if (client.tls !== null || 'path' in where) return null;
  const lenient = { ...client, tls: { allowInvalidCerts: true } };
  try {
    const socket = await connectTo(lenient, where, KNOCK_TIME);
    const secure = await secureOver(lenient, socket, where.host, KNOCK_TIME);
    const protocol = secure.getProtocol() ?? '';
    secure.on('error', () => undefined).destroy();
    return {
      says: 'the filter wants TLS: switch on useTls for this milter',
      evidence: [{ name: 'tls', value: `a handshake was made: ${protocol}` }],
    };
  } catch {
    return null;
  }
}

/** What comes back to a line of text, as a web server or a scanner expects it. */
export function answersText(client: MilterClientOptions, where: Where): Promise<Found | null> {
  const plain = { ...client, tls: null };
  return connectTo(plain, where, KNOCK_TIME).then(
    (socket) =>
      new Promise<Found | null>((resolve) => {
        const end = (found: Found | null): void => {
          cancel();
          socket
            .removeAllListeners()
            .on('error', () => undefined)
            .destroy();
          resolve(found);
        };
        let heard = new Uint8Array(0);
        const cancel = client.clock.after(KNOCK_TIME, () => end(strangerIn(heard)));
        socket.on('data', (chunk: Uint8Array) => {
          heard = Buffer.concat([heard, chunk]);
          if (heard.length >= 8) end(strangerIn(heard));
        });
        socket.once('error', () => end(strangerIn(heard)));
        socket.once('close', () => end(strangerIn(heard)));
        socket.write('GET / HTTP/1.0\r\n\r\n');
      }),
    () => null,
  );
}
