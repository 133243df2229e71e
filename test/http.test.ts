/** A web browser made to talk to us: mail hidden in its request does not run (reliability S19, P12). */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { makeAuthority } from './support/certificates.ts';
import { Cleanup, tempFolder } from './support/folders.ts';
import { house } from './support/house.ts';
import { skipWithout } from './support/processes.ts';
import { within } from './support/wait.ts';

const HIDDEN =
  'EHLO browser.test\r\nMAIL FROM:<a@out.test>\r\nRCPT TO:<u@in.test>\r\nDATA\r\nSubject: x\r\n\r\nb\r\n.\r\nQUIT\r\n';

const REQUESTS: readonly [what: string, text: string][] = [
  ['POST', `POST / HTTP/1.1\r\nHost: mx.test:25\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`],
  ['GET', `GET /x HTTP/1.0\r\n\r\n${HIDDEN}`],
  ['PUT in small letters', `put / http/1.1\r\nhost: x\r\n\r\n${HIDDEN}`],
  ['CONNECT', `CONNECT mx.test:25 HTTP/1.1\r\n\r\n${HIDDEN}`],
  ['the preface of HTTP/2', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${HIDDEN}`],
  ['a header field alone', `Host: mx.test\r\n\r\n${HIDDEN}`],
  ['behind a greeting', `EHLO a.test\r\nPOST / HTTP/1.1\r\n\r\n${HIDDEN}`],
];

/** Everything that is said until the other end closes. */
async function conversation(socket: Socket, ready: string, text: string): Promise<string> {
  let said = '';
  socket.setEncoding('latin1');
  socket.on('data', (more: string) => (said += more));
  socket.on('error', () => undefined);
  socket.once(ready, () => socket.write(text, 'latin1'));
  await within(
    'the other end to close',
    10_000,
    new Promise<void>((resolve) => socket.once('close', () => resolve())),
  );
  return said;
}

test(
  'S19: the first line of HTTP ends the session, on a plain port and inside TLS; nothing behind it runs',
  { skip: skipWithout('openssl') },
  async (t) => {
    const cleanup = new Cleanup(t);
    const folder = await tempFolder(cleanup);
    const own = await (await makeAuthority(cleanup)).selfSigned({ names: 'DNS:mx.test' });
    const tls = { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    await writeFile(tls.certificate, own.cert);
    await writeFile(tls.key, own.key);
    const relay = { networks: ['127.0.0.0/8'], domains: ['in.test'] };
    const h = await house(cleanup, [], {
      listeners: [
        { name: 'smtp', bind: '127.0.0.1:0', relay },
        { name: 'submissions', bind: '127.0.0.1:0', tls: 'implicit', relay },
      ],
      tls,
    });
    const secure = Number(h.gateway.addresses.get('submissions')![0]!.split(':').at(-1));
    for (const [what, text] of REQUESTS)
      for (const said of await Promise.all([
        conversation(connect(h.port, '127.0.0.1'), 'connect', text),
        conversation(
          connectTls({ port: secure, host: '127.0.0.1', rejectUnauthorized: false }),
          'secureConnect',
          text,
        ),
      ])) {
        const replies = said.split('\r\n').filter((line) => /^\d{3} /.test(line));
        const before = text.startsWith('EHLO') ? [220, 250] : [220];
        assert.deepEqual(
          replies.map((line) => Number(line.slice(0, 3))),
          [...before, 421],
          `${what}: ${said}`,
        );
      }
    const cut = h.heard.filter((n) => n.name === 'smtp.session-cut' && n.fields['kind'] === 'http');
    assert.equal(cut.length, 2 * REQUESTS.length);
    assert.ok(!h.heard.some((n) => n.name.startsWith('message.')), 'no mail came of it');
  },
);
