/**
 * The content of a message on its way to a next hop: dots stuffed, the final dot last, what fits into memory in one write.
 *
 * Rejects with WireFault when the connection fails, and with whatever reading the body fails with: then no final dot was sent.
 */
import type { Body } from '#message';
import { DotStuffer } from '#smtp/protocol';
import type { Wire } from './wire.ts';

const CRLF = Uint8Array.of(13, 10);

/** Header with CRLFs and body. */
export interface Content {
  readonly header: Uint8Array;
  readonly body: Body;
}

/**
 * Writes it; `replies` answers will be due. `dotSent` is called right before the final dot goes out: from there on the peer may
 * have the message. `ms`: how long the peer may take nothing.
 */
export async function writeContent(
  wire: Wire,
  { header, body }: Content,
  replies: number,
  ms: number,
  dotSent: () => void,
): Promise<void> {
  const stuffer = new DotStuffer();
  let out: Uint8Array[] = [];
  stuffer.push(header, out);
  stuffer.push(CRLF, out);
  if (body.chunks !== null) for (const chunk of body.chunks) stuffer.push(chunk, out);
  else
    for await (const chunk of body.read()) {
      stuffer.push(chunk, out);
      const wait = wire.send(out, ms);
      if (wait !== undefined) await wait;
      out = [];
    }
  stuffer.end(out);
  wire.expectReply(replies);
  dotSent();
  const wait = wire.send(out, ms);
  if (wait !== undefined) await wait;
}
