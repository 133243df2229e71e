/**
 * Opens a conversation: connects, sends the option offer, waits for the choice, checks that both can be had.
 *
 * Everything within `timeoutConnect`. Rejects with MilterError and leaves no socket behind then.
 */
import type { Socket } from 'node:net';
import { agree, decodeChoice, encodeOffer, SMFIR, codeName, type Frame } from '#milter/protocol';
import { MilterConversation } from './conversation.ts';
import { dial, timedOut } from './dial.ts';
import { MilterError, asMilterError } from './errors.ts';
import { Link } from './link.ts';
import type { MilterClientOptions } from './options.ts';

/** A conversation with the filter, negotiated and ready for CONNECT. */
export async function connectMilter(options: MilterClientOptions): Promise<MilterConversation> {
  const { clock } = options;
  const end = clock.elapsed() + options.timeoutConnect;
  const socket = await dial(options);
  return negotiate(socket, options, Math.max(0, end - clock.elapsed()));
}

/** The last step of it, on a stream that is open: offer and choice, within `ms`. */
export function negotiate(
  socket: Socket,
  options: MilterClientOptions,
  ms: number,
): Promise<MilterConversation> {
  const link = new Link(socket, options);
  return new Promise((resolve, reject) => {
    const cancel = options.clock.after(ms, () =>
      link.fail(
        timedOut(options, 'connected, but no option reply: not a milter, or all its workers are busy'),
      ),
    );
    link.listener = {
      answered: () => undefined,
      failed(error) {
        cancel();
        reject(error);
      },
    };
    encodeOffer(link.writer, options.offer);
    link.open((frame) => {
      cancel();
      try {
        const agreement = agree(options.offer, decodeChoice(choicePayload(frame)));
        link.agreed(agreement);
        resolve(new MilterConversation(link, agreement, options.pipeline));
      } catch (error) {
        link.fail(asMilterError(error));
      }
    });
  });
}

function choicePayload(frame: Frame): Uint8Array {
  if (frame.code === SMFIR.OPTNEG) return frame.payload;
  throw new MilterError(
    'negotiation',
    `the filter answered the option offer with ${codeName(frame.code, SMFIR)}`,
  );
}
