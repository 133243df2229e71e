/**
 * The step at which it shows whether a milter is there at all: offer and choice, and a diagnosis when nothing comes of them.
 *
 * Known mistakes are recognised by the first bytes, by what the other side does with a second, humbler offer, and by speaking to
 * it in other ways. Never rejects; leaves no socket behind where it stops.
 */
import type { Socket } from 'node:net';
import {
  connectTo,
  MilterError,
  negotiate,
  secureOver,
  type MilterClientOptions,
  type MilterConversation,
  type Where,
} from '#milter/client';
import { decodeChoice, makeOffer, MilterProtocolError, type Choice, type Offer } from '#milter/protocol';
import { flagsEvidence, type Negotiated } from './flags.ts';
import { answersText, speaksTls, strangerIn, type Found } from './knock.ts';
import { CHECK_EXIT, done, excerptOf, stopped, type Outcome } from './report.ts';

/** Milliseconds of silence after which the other side is spoken to in another way as well. */
const SILENT_SINCE = 1000;
/** Milliseconds for each further offer. */
const RETRY_TIME = 3000;
/** A frame of an option reply is never longer; whoever announces more is a stranger. */
const LONGEST_CHOICE = 1_048_576;

/** A milter that agreed. */
export interface Agreed extends Negotiated {
  readonly conversation: MilterConversation;
}

/** Offers and hears the choice. */
export async function negotiateStep(
  client: MilterClientOptions,
  socket: Socket,
  where: Where,
): Promise<Outcome<Agreed>> {
  const heard: { choice: Choice | null } = { choice: null };
  const quiet = { timer: (): void => undefined };
  const silence = new Promise<Found>((resolve) => {
    quiet.timer = client.clock.after(SILENT_SINCE, () => {
      void answersText(client, where).then((found) => found && resolve(found));
    });
  });
  const opened = negotiate(socket, observed(client, heard), client.timeoutConnect);
  try {
    const first = await Promise.race([opened, silence]);
    if ('says' in first) {
      opened.then(
        (conversation) => conversation.destroy(),
        () => undefined,
      );
      socket.destroy();
      return stopped(CHECK_EXIT.negotiation, first.says, first.evidence);
    }
    const { agreement } = first;
    const choice = heard.choice!;
    const says = `a milter answered: version ${choice.version}`;
    return done({ conversation: first, offer: client.offer, choice, agreement }, says);
  } catch (error) {
    return await diagnosis(client, where, error, heard.choice);
  } finally {
    quiet.timer();
  }
}

/** The same options, the choice read off the packets; frames as long as no option reply is are a stranger's. */
function observed(client: MilterClientOptions, heard: { choice: Choice | null }): MilterClientOptions {
  return {
    ...client,
    maxResponseSize: Math.min(client.maxResponseSize, LONGEST_CHOICE),
    observer: {
      packet({ direction, code, bytes }) {
        if (direction === 'received' && code === 'O' && heard.choice === null) heard.choice = choiceOf(bytes);
      },
    },
  };
}

function choiceOf(bytes: Uint8Array): Choice | null {
  try {
    return decodeChoice(bytes);
  } catch (error) {
    if (error instanceof MilterProtocolError) return null;
    throw error;
  }
}

async function diagnosis(
  client: MilterClientOptions,
  where: Where,
  error: unknown,
  choice: Choice | null,
): Promise<Outcome<never>> {
  const no = (says: string, evidence: Found['evidence'] = []): Outcome<never> =>
    stopped(CHECK_EXIT.negotiation, says, evidence);
  if (!(error instanceof MilterError)) return no(String(error));
  const first = error.received;
  const stranger = first && strangerIn(first);
  if (stranger) return no(stranger.says, stranger.evidence);
  const evidence = first ? [{ name: 'first bytes', value: excerptOf(first) }] : [];
  if (choice !== null)
    return no(error.message, flagsEvidence({ offer: client.offer, choice, agreement: null }));
  if (error.code === 'connect_timeout') return no(await ofSilence(client, where), evidence);
  if (first !== null) return no(error.message, evidence);
  return ofHangUp(client, where, error);
}

async function ofSilence(client: MilterClientOptions, where: Where): Promise<string> {
  const found = await speaksTls(client, where);
  if (found) return found.says;
  return `nothing came within ${client.timeoutConnect} ms: something listens there that is not a milter, or all its workers are busy; look at the filter’s log and its number of workers`;
}

/** It closed after the offer without a word: other offers, then other languages. */
async function ofHangUp(
  client: MilterClientOptions,
  where: Where,
  error: MilterError,
): Promise<Outcome<never>> {
  const closed = 'the filter closes the connection at once after the offer';
  const evidence = [{ name: 'offered', value: offerText(client.offer) }];
  for (const { offer, write } of humblerOffers(client.offer)) {
    const works = await accepts({ ...client, offer, timeoutConnect: RETRY_TIME }, where);
    evidence.push({ name: `retry with ${offerText(offer)}`, value: works ? 'works' : 'closed again' });
    if (works)
      return stopped(
        CHECK_EXIT.negotiation,
        `${closed}: it refuses this version or these flags. It agreed when offered less: write ${write}`,
        evidence,
      );
  }
  const found = (await speaksTls(client, where)) ?? (await answersText(client, where));
  if (found) return stopped(CHECK_EXIT.negotiation, found.says, [...evidence, ...found.evidence]);
  const tried = `${closed}, whatever is offered: it may take calls from other addresses only, or be at its limit; look into its log`;
  return stopped(
    CHECK_EXIT.negotiation,
    error.cause instanceof Error ? `${tried} (${error.cause.message})` : tried,
    evidence,
  );
}

const offerText = ({ version, actions, protocol }: Offer): string =>
  `version ${version}, actions 0x${actions.toString(16)}, protocol 0x${protocol.toString(16)}`;

/** What else to offer, the richest first, and the settings that say so. */
function humblerOffers(offered: Offer): readonly { readonly offer: Offer; readonly write: string }[] {
  const all = [
    { offer: makeOffer(6), write: 'protocolVersion: v6 without flagsAction and flagsProtocol' },
    { offer: makeOffer(6, undefined, 0x3ff), write: 'flagsProtocol: 1023' },
    { offer: makeOffer(6, 0x3f, 0x7f), write: 'flagsAction: 63 and flagsProtocol: 127' },
    { offer: makeOffer(2), write: 'protocolVersion: v2' },
  ];
  const same = (a: Offer, b: Offer): boolean =>
    a.version === b.version && a.actions === b.actions && a.protocol === b.protocol;
  return all.filter(({ offer }) => !same(offer, offered));
}

async function accepts(client: MilterClientOptions, where: Where): Promise<boolean> {
  try {
    const plain = await connectTo(client, where, client.timeoutConnect);
    const name = client.endpoint.kind === 'tcp' ? client.endpoint.host : '';
    const socket = client.tls === null ? plain : await secureOver(client, plain, name, client.timeoutConnect);
    (await negotiate(socket, client, client.timeoutConnect)).quit();
    return true;
  } catch (error) {
    if (error instanceof MilterError) return false;
    throw error;
  }
}
