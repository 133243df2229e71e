/**
 * TLS with a filter: M30 of the reliability tests.
 *
 * Certificates are verified unless the configuration says otherwise; a filter for which TLS is configured is never spoken to in
 * plaintext. Each with tempFailOnError true and false.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { makeAuthority, type KeyPair } from './support/certificates.ts';
import { Cleanup } from './support/folders.ts';
import { WANTS_ALL } from './support/house.ts';
import { skipWithout } from './support/processes.ts';
import { at, canary, failures, faultReply, inStep, scene, walk } from './support/scene.ts';
import { ScriptedFilter, type Listen, type Peer } from './support/scripted-filter.ts';

const POLICIES = [true, false];
const HERE = 'IP:127.0.0.1';
/** The first byte of a TLS handshake. */
const HANDSHAKE = 0x16;

/** A peer that is no good TLS server, by name: how it listens, and whether allowInvalidCerts is to help. */
interface Case {
  readonly what: string;
  readonly listen: () => Listen;
  readonly allowed: boolean;
  /** How the failure is logged: its kind and its sentence. */
  readonly error: RegExp;
  /** What it does to each connection, besides. */
  readonly onPeer?: (peer: Peer) => void;
}

describe('M30 TLS with a filter', { skip: skipWithout('openssl'), concurrency: 12 }, () => {
  const cleanup = new Cleanup();
  let ca = '';
  const pairs: Record<'good' | 'self' | 'expired' | 'elsewhere', KeyPair | undefined> = {
    good: undefined,
    self: undefined,
    expired: undefined,
    elsewhere: undefined,
  };
  after(() => cleanup.run());
  before(async () => {
    const authority = await makeAuthority(cleanup);
    ca = authority.file;
    pairs.good = await authority.sign({ names: HERE });
    pairs.self = await authority.selfSigned({ names: HERE });
    pairs.expired = await authority.sign({ names: HERE, days: -1 });
    pairs.elsewhere = await authority.sign({ names: 'DNS:other.test,IP:127.0.0.2' });
  });

  const cases: readonly Case[] = [
    {
      what: 'a self-signed certificate',
      listen: () => ({ tls: { ...pairs.self } }),
      allowed: true,
      error: /^tls: .*self.signed/,
    },
    {
      what: 'an expired certificate',
      listen: () => ({ tls: { ...pairs.expired } }),
      allowed: true,
      error: /^tls: .*expired/,
    },
    {
      what: 'a certificate for another name',
      listen: () => ({ tls: { ...pairs.elsewhere } }),
      allowed: true,
      error: /^tls: .*127\.0\.0\.1/,
    },
    {
      what: 'plaintext that waits for more',
      listen: () => ({}),
      allowed: false,
      error: /^connect_timeout: .*TLS/,
    },
    {
      what: 'plaintext that answers',
      listen: () => ({}),
      allowed: false,
      error: /^tls: .*TLS/,
      onPeer: ({ socket }) => void socket.once('data', () => socket.write(WANTS_ALL, 'latin1')),
    },
    {
      what: 'TLS 1.0 only',
      listen: () => ({
        tls: { ...pairs.good, minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' },
      }),
      allowed: false,
      error: /^tls: .*TLS/,
    },
  ];

  for (const policy of POLICIES) {
    for (const { what, listen, allowed, error, onPeer } of cases)
      for (const allowInvalidCerts of [false, true]) {
        const works = allowed && allowInvalidCerts;
        test(`M30 a filter with ${what}, allowInvalidCerts=${allowInvalidCerts}, tempFailOnError=${policy}: ${works ? 'used' : 'fault reply'}`, async (t) => {
          const end = new Cleanup(t);
          const filter = await ScriptedFilter.start(end, {}, listen());
          filter.mend();
          const first: number[] = [];
          filter.onPeer = (peer) => {
            peer.socket.once('data', (bytes: Buffer) => first.push(bytes[0]!));
            onPeer?.(peer);
          };
          const tls = { useTls: true, tlsCa: ca, allowInvalidCerts };
          const s = await scene(end, [at(filter, { tempFailOnError: policy, ...tls })]);
          if (works) {
            await canary(end, s, policy);
            assert.deepEqual(failures(s), []);
            return;
          }
          const w = await walk(end, s.port);
          assert.equal(faultReply(w, policy).at, policy ? 'mail' : 'end');
          await inStep(w.session);
          await w.session.quit();
          assert.ok(failures(s).length > 0);
          for (const { fields } of s.noticed('milter.failed'))
            assert.match(`${String(fields['kind'])}: ${String(fields['error'])}`, error);
          assert.equal(filter.codes, '', 'nothing was said in the clear');
          if (!listen().tls) assert.ok(first.length > 0 && first.every((byte) => byte === HANDSHAKE));
          // With a good certificate it works, on the same port.
          filter.stop();
          filter.onPeer = undefined;
          await filter.listen({ tls: { ...pairs.good } });
          await canary(end, s, policy);
        });
      }

    for (const [what, leave] of [
      ['before the handshake', (f: ScriptedFilter) => (f.onPeer = ({ socket }) => void socket.end())],
      [
        'in the handshake',
        (f: ScriptedFilter) =>
          (f.onPeer = ({ socket }) => void socket.once('data', () => socket.end('\x16\x03\x03'))),
      ],
    ] as const)
      test(`M30 a filter closes ${what}, tempFailOnError=${policy}`, async (t) => {
        const end = new Cleanup(t);
        const filter = await ScriptedFilter.start(end, {});
        filter.mend();
        leave(filter);
        const milter = at(filter, { tempFailOnError: policy, useTls: true, tlsCa: ca });
        const s = await scene(end, [milter]);
        const w = await walk(end, s.port);
        assert.equal(faultReply(w, policy).at, policy ? 'mail' : 'end');
        await inStep(w.session);
        await w.session.quit();
        assert.equal(failures(s)[0], 'f tls');
        filter.stop();
        filter.onPeer = undefined;
        await filter.listen({ tls: { ...pairs.good } });
        await canary(end, s, policy);
      });

    test(`M30 a filter with a good certificate is used, and without its authority is not, tempFailOnError=${policy}`, async (t) => {
      const end = new Cleanup(t);
      const filter = await ScriptedFilter.start(end, {}, { tls: { ...pairs.good } });
      filter.mend();
      const milter = at(filter, { tempFailOnError: policy, useTls: true });
      const trusting = await scene(end, [{ ...milter, tlsCa: ca }]);
      await canary(end, trusting, policy);
      assert.deepEqual(failures(trusting), []);
      const strict = await scene(end, [milter]);
      faultReply(await walk(end, strict.port), policy);
      assert.equal(failures(strict)[0], 'f tls');
    });
  }
});
