/**
 * The first steps of a check: address, connection, TLS. The same look-ups, sockets and handshakes as in the gateway's own work,
 * taken one by one so that each can be told about. Never rejects; leaves no socket behind where a step stops.
 */
import { isIP, type Socket } from 'node:net';
import { checkServerIdentity, type PeerCertificate, type TLSSocket } from 'node:tls';
import {
  addressesOf,
  connectTo,
  MilterError,
  secureOver,
  type MilterClientOptions,
  type Where,
} from '#milter/client';
import type { Guard } from './guard.ts';
import { CHECK_EXIT, done, shortOf, stopped, type Evidence, type Outcome } from './report.ts';
import { lookAtSocket } from './socket-file.ts';

const DAY = 86_400_000;
/** Milliseconds for looking whether somebody listens at the other address of this machine. */
const OTHER_FAMILY = 1000;

/** The places to try, best first. */
export async function resolveStep(
  client: MilterClientOptions,
  guard: Guard,
): Promise<Outcome<readonly Where[]>> {
  const { endpoint } = client;
  if (endpoint.kind === 'unix') {
    const { path } = endpoint;
    const forbidden = guard({ path });
    if (forbidden !== null) return stopped(CHECK_EXIT.connect, forbidden, [{ name: 'path', value: path }]);
    const looked = await lookAtSocket(path);
    return looked.ok ? { ...looked, value: [{ path }] } : looked;
  }
  const { host, port } = endpoint;
  let addresses: readonly string[];
  try {
    addresses = await addressesOf(client, host);
  } catch (error) {
    const why =
      error instanceof Error && error.cause instanceof Error ? ` (${shortOf(error.cause.message)})` : '';
    return stopped(
      CHECK_EXIT.connect,
      `the name ${host} has no address: correct hostname, or the name server${why}`,
      [{ name: 'host', value: host }],
    );
  }
  const evidence = addresses.map((value) => ({ name: 'address', value }));
  for (const address of addresses) {
    const forbidden = guard({ host: address, port });
    if (forbidden !== null) return stopped(CHECK_EXIT.connect, forbidden, evidence);
  }
  const says = isIP(host) !== 0 ? `${host} is an address` : `${host} is ${addresses.join(', ')}`;
  return done(
    addresses.map((address) => ({ host: address, port })),
    says,
    evidence,
  );
}

/** Connects to the first place that lets us. */
export async function connectStep(
  client: MilterClientOptions,
  places: readonly Where[],
  guard: Guard,
): Promise<Outcome<{ readonly socket: Socket; readonly where: Where }>> {
  const evidence: Evidence[] = [];
  let told: unknown = null;
  for (const [i, where] of places.entries()) {
    try {
      const socket = await connectTo(client, where, client.timeoutConnect / (places.length - i));
      const from = socket.localAddress === undefined ? '' : `, from ${socket.localAddress}`;
      return done({ socket, where }, `connected to ${textOf(where)}${from}`, [
        ...evidence,
        { name: 'connected', value: textOf(where) },
      ]);
    } catch (error) {
      told ??= error;
      evidence.push({
        name: textOf(where),
        value: error instanceof MilterError ? codeOf(error) : String(error),
      });
    }
  }
  return stopped(CHECK_EXIT.connect, await whyNotConnected(client, places, told, guard), evidence);
}

const codeOf = (error: MilterError): string =>
  (error.cause as NodeJS.ErrnoException | undefined)?.code ??
  (error.code === 'connect_timeout' ? 'no answer' : error.code);

/** Where, as people write it. */
export function textOf(where: Where): string {
  if ('path' in where) return where.path;
  return where.host.includes(':') ? `[${where.host}]:${where.port}` : `${where.host}:${where.port}`;
}

async function whyNotConnected(
  client: MilterClientOptions,
  places: readonly Where[],
  error: unknown,
  guard: Guard,
): Promise<string> {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof MilterError) || codeOf(error) !== 'ECONNREFUSED') return message;
  const [place] = places;
  if (place && 'host' in place && places.length === 1) {
    const other = place.host === '127.0.0.1' ? '::1' : place.host === '::1' ? '127.0.0.1' : null;
    if (other !== null && guard({ host: other, port: place.port }) === null) {
      const found = await connectTo(client, { host: other, port: place.port }, OTHER_FAMILY).then(
        (socket) => (socket.on('error', () => undefined).destroy(), true),
        () => false,
      );
      if (found)
        return `nobody listens at ${textOf(place)}, but somebody does at ${textOf({ host: other, port: place.port })}: write hostname: '${other}', or localhost for both`;
    }
  }
  return message;
}

/** TLS over the connection, with what the certificate says. */
export async function tlsStep(
  client: MilterClientOptions,
  { socket, where }: { readonly socket: Socket; readonly where: Where },
): Promise<Outcome<Socket>> {
  const { endpoint, tls } = client;
  const host = endpoint.kind === 'tcp' ? endpoint.host : '';
  const name = tls?.serverName ?? host;
  try {
    const secure = await secureOver(client, socket, host, client.timeoutConnect);
    const facts = certificateFacts(secure, name);
    return done(secure, `TLS is up: ${facts.says}`, facts.evidence);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const facts = await shownCertificate(client, where, host, name);
    if (facts === null) return stopped(CHECK_EXIT.tls, message);
    return stopped(CHECK_EXIT.tls, `${message}. The certificate: ${facts.says}`, facts.evidence);
  }
}

/** The certificate of a filter whose certificate is not accepted: looked at once more without judging it. Null: there is none. */
async function shownCertificate(client: MilterClientOptions, where: Where, host: string, name: string) {
  const lenient = { ...client, tls: { ...client.tls!, allowInvalidCerts: true } };
  try {
    const socket = await connectTo(lenient, where, OTHER_FAMILY);
    const secure = await secureOver(lenient, socket, host, OTHER_FAMILY);
    const facts = certificateFacts(secure, name);
    secure.on('error', () => undefined).destroy();
    return facts;
  } catch {
    return null;
  }
}

function certificateFacts(
  secure: TLSSocket,
  name: string,
): { readonly says: string; readonly evidence: readonly Evidence[] } {
  const certificate = secure.getPeerCertificate();
  const protocol = {
    name: 'protocol',
    value: `${secure.getProtocol() ?? ''} ${secure.getCipher()?.name ?? ''}`.trim(),
  };
  if (Object.keys(certificate).length === 0) return { says: 'without a certificate', evidence: [protocol] };
  const left = Math.floor((Date.parse(certificate.valid_to) - Date.now()) / DAY);
  const mismatch = checkServerIdentity(name, certificate);
  const names = mismatch === undefined ? `it is for ${name}` : `it is not for ${name}`;
  const trust = secure.authorized ? 'trusted' : shortOf(String(secure.authorizationError ?? 'not trusted'));
  const age = left < 0 ? `ended ${-left} days ago` : `${left} days left`;
  return {
    says: `${names}, ${age}, ${trust}`,
    evidence: [
      { name: 'subject', value: shortOf(nameText(certificate.subject)) },
      { name: 'issuer', value: shortOf(nameText(certificate.issuer)) },
      { name: 'names', value: shortOf(certificate.subjectaltname ?? '') },
      { name: 'days left', value: String(left) },
      { name: 'name match', value: mismatch === undefined ? 'yes' : 'no' },
      { name: 'trust', value: trust },
      protocol,
    ],
  };
}

function nameText(name: PeerCertificate['subject']): string {
  return Object.entries(name)
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(', ');
}
