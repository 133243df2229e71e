// TLS towards a filter that wants to know who we are: the certificate we show, and the name we ask for and check.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { makeAuthority } from './support/certificates.ts';
import { Cleanup, tempFolder } from './support/folders.ts';
import { skipWithout } from './support/processes.ts';
import { at, failures, scene, walk } from './support/scene.ts';
import { ScriptedFilter } from './support/scripted-filter.ts';

const skip = skipWithout('openssl');

test('a filter that demands a certificate is shown the one that is configured', { skip }, async (t) => {
  const cleanup = new Cleanup(t);
  const folder = await tempFolder(cleanup);
  const authority = await makeAuthority(cleanup);
  const own = await authority.sign({ names: 'IP:127.0.0.1' });
  const shown = await authority.sign({ names: 'DNS:mx.test' });
  const [tlsCertificate, tlsKey] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  await writeFile(tlsCertificate, shown.cert);
  await writeFile(tlsKey, shown.key);
  const ca = await readFile(authority.file, 'utf8');
  const tls = { ...own, ca, requestCert: true, rejectUnauthorized: true };
  const filter = await ScriptedFilter.start(cleanup, {}, { tls });
  const names: (string | undefined)[] = [];
  filter.onPeer = ({ socket }) =>
    void names.push((socket as TLSSocket).getPeerX509Certificate()?.subjectAltName);
  const milter = at(filter, { useTls: true, tlsCa: authority.file });
  const known = await scene(cleanup, [{ ...milter, tlsCertificate, tlsKey }]);
  const good = await walk(cleanup, known.port);
  assert.equal(`${good.last.at} ${good.last.reply.code}`, 'end 250');
  await good.session.quit();
  assert.deepEqual(names, ['DNS:mx.test']);
  assert.deepEqual(failures(known), []);
  const unknown = await scene(cleanup, [milter]);
  const bad = await walk(cleanup, unknown.port);
  assert.equal(`${bad.last.at} ${bad.last.reply.code}`, 'mail 451');
  await bad.session.quit();
  assert.equal(names.length, 1);
  assert.ok(failures(unknown).length > 0);
});

test('the configured server name is asked for, and must be in the certificate', { skip }, async (t) => {
  const cleanup = new Cleanup(t);
  const authority = await makeAuthority(cleanup);
  const own = await authority.sign({ names: 'DNS:filter.test' });
  const filter = await ScriptedFilter.start(cleanup, {}, { tls: { ...own } });
  const asked: (string | false | null)[] = [];
  filter.onPeer = ({ socket }) => void asked.push((socket as TLSSocket & { servername: string }).servername);
  for (const [more, answer] of [
    [{ tlsServerName: 'filter.test' }, 'end 250'],
    [{ tlsServerName: 'other.test' }, 'mail 451'],
    [{ tlsServerName: 'other.test', allowInvalidCerts: true }, 'end 250'],
    [{}, 'mail 451'],
  ] as const) {
    const s = await scene(cleanup, [at(filter, { useTls: true, tlsCa: authority.file, ...more })]);
    const { session, last } = await walk(cleanup, s.port);
    assert.equal(`${last.at} ${last.reply.code}`, answer, JSON.stringify(more));
    await session.quit();
    assert.equal(failures(s).length === 0, answer === 'end 250');
  }
  assert.equal(asked[0], 'filter.test');
  assert.equal(asked.at(-1), 'other.test');
});
