import assert from 'node:assert/strict';
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { toBase64 } from './base64.ts';
import type { ScramCredentials, Step } from './mechanism.ts';
import { scram } from './scram.ts';

/** RFC 7677 3. */
const NONCE = 'rOprNGfwEbeRWgbNEkqO';
const OURS = '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
const SALT = 'W22ZaJ0SNY7soEsUEjb6gQ==';
const PROOF = 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=';
const FINAL = `c=biws,r=${NONCE}${OURS},p=${PROOF}`;

const salted = pbkdf2Sync('pencil', Buffer.from(SALT, 'base64'), 4096, 32, 'sha256');
const mac = (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const sha = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

const PENCIL: ScramCredentials = {
  salt: Buffer.from(SALT, 'base64'),
  iterations: 4096,
  storedKey: sha(mac(salted, 'Client Key')),
  serverKey: mac(salted, 'Server Key'),
  known: true,
};

/** Says the first message and gives the credentials: the first challenge and the machine behind it. */
function begun(first: string, found = PENCIL): { machine: ReturnType<typeof scram>; step: Step } {
  const machine = scram(() => OURS);
  const step = machine.start(first);
  return { machine, step: step.kind === 'credentials' ? step.go(found) : step };
}

test('the exchange of RFC 7677 goes as it stands there', () => {
  const machine = scram(() => OURS);
  const asked = machine.start(`n,,n=user,r=${NONCE}`);
  assert.ok(asked.kind === 'credentials' && asked.name === 'user');
  assert.deepEqual(asked.go(PENCIL), { kind: 'challenge', text: `r=${NONCE}${OURS},s=${SALT},i=4096` });
  const signature = { kind: 'challenge', text: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=' };
  assert.deepEqual(machine.next(FINAL), signature);
  assert.deepEqual(machine.next(''), { kind: 'proved', name: 'user' });
});

test('without an initial response the first challenge is empty', () => {
  const machine = scram(() => OURS);
  assert.deepEqual(machine.start(null), { kind: 'challenge', text: '' });
  assert.equal(machine.next(`y,,n=user,r=${NONCE}`).kind, 'credentials');
});

test('a wrong proof is disproved, and says whether there is such a user', () => {
  for (const known of [true, false]) {
    const { machine } = begun(`n,,n=user,r=${NONCE}`, { ...PENCIL, known, storedKey: Buffer.alloc(32, 1) });
    assert.deepEqual(machine.next(FINAL), { kind: 'disproved', name: 'user', known });
  }
});

test('channel binding, mandatory extensions and messages out of form are malformed', () => {
  const nonce = 'x'.repeat(201);
  for (const first of [
    `p=tls-unique,,n=user,r=${NONCE}`,
    `n,,m=x,n=user,r=${NONCE}`,
    `n,,n=user`,
    `n,,r=${NONCE},n=user`,
    `n,n=user,r=${NONCE}`,
    `n,,n=us=er,r=${NONCE}`,
    `n,,n=,r=${NONCE}`,
    `n,,n=user,r=`,
    `n,,n=user,r=${nonce}`,
    '',
  ])
    assert.equal(begun(first).step.kind, 'malformed', first);
  assert.equal(begun(`n,,n=user,r=${nonce.slice(1)}`).step.kind, 'challenge');
});

test('a final message of another exchange, or out of form, is malformed', () => {
  const all = `c=biws,r=${NONCE}${OURS}`;
  for (const final of [
    `c=eSws,r=${NONCE}${OURS},p=${PROOF}`,
    `c=biws,r=${NONCE}${OURS}x,p=${PROOF}`,
    `c=biws,r=${NONCE},p=${PROOF}`,
    `${all},p=${PROOF.slice(4)}`,
    `${all},p=!`,
    all,
    '',
  ])
    assert.equal(begun(`n,,n=user,r=${NONCE}`).machine.next(final).kind, 'malformed', final);
});

test('what follows the signature must be empty', () => {
  const { machine } = begun(`n,,n=user,r=${NONCE}`);
  machine.next(FINAL);
  assert.equal(machine.next('more').kind, 'malformed');
});

test('commas and equals signs of a name are unescaped; nobody acts as somebody else', () => {
  const step = scram().start(`n,,n=a=2Cb=3Dc,r=${NONCE}`);
  assert.ok(step.kind === 'credentials' && step.name === 'a,b=c');
  assert.equal(scram().start(`n,a=user,n=user,r=${NONCE}`).kind, 'credentials');
  assert.equal(scram().start(`n,a=root,n=user,r=${NONCE}`).kind, 'disproved');
});

test('a client that knows the password proves it under any name, header and nonce', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('n', 'y'),
      fc.string({ minLength: 1, unit: fc.constantFrom('a', 'Z', ' ', ',', '=', '\u00e9') }),
      fc.string({ minLength: 1, maxLength: 40, unit: fc.constantFrom('r', '!', '/', '~') }),
      fc.boolean(),
      (flag, name, nonce, authority) => {
        const escaped = name.replaceAll('=', '=3D').replaceAll(',', '=2C');
        const header = `${flag},${authority ? `a=${escaped}` : ''},`;
        const bare = `n=${escaped},r=${nonce}`;
        const { machine, step } = begun(header + bare);
        assert.ok(step.kind === 'challenge');
        const without = `c=${toBase64(header)},r=${nonce}${OURS}`;
        const signed = createHmac('sha256', PENCIL.storedKey);
        const signature = signed.update(`${bare},${step.text},${without}`, 'latin1').digest();
        const proof = mac(salted, 'Client Key').map((byte, i) => byte ^ signature[i]!);
        machine.next(`${without},p=${Buffer.from(proof).toString('base64')}`);
        assert.deepEqual(machine.next(''), { kind: 'proved', name });
      },
    ),
    { numRuns: 50 },
  );
});
