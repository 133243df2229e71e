import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ACTIONS, PROTOCOL } from './flags.ts';
import { blockOf, settingOf } from './expression.ts';
import { fieldIn } from './fields.ts';
import { errorsIn, warningsIn } from './validate.ts';

const fields = (complaints: readonly { readonly field: string }[]): string[] =>
  complaints.map((each) => each.field);

test('errors stand at their field', () => {
  assert.deepEqual(fields(errorsIn({})), ['hostname']);
  assert.deepEqual(fields(errorsIn({ hostname: '127.0.0.1', port: 11332 })), []);
  assert.deepEqual(fields(errorsIn({ hostname: 'a', socket: '/b' })), ['socket']);
  assert.deepEqual(
    fields(
      errorsIn({ hostname: 'a:25', port: '99999', maxResponseSize: 'big', timeoutData: 'soon', stages: [] }),
    ),
    ['hostname', 'port', 'maxResponseSize', 'timeoutData', 'stages'],
  );
  assert.deepEqual(fields(errorsIn({ hostname: '::1', maxResponseSize: '50MB', timeoutData: 60_000 })), []);
});

test('warnings are those of the design', () => {
  assert.deepEqual(fields(warningsIn({ hostname: '192.0.2.1' })), ['useTls']);
  assert.deepEqual(
    fields(warningsIn({ hostname: 'localhost', port: 3310, allowInvalidCerts: true, stages: ['mail'] })),
    ['allowInvalidCerts', 'stages', 'port'],
  );
  assert.deepEqual(fields(warningsIn({ hostname: '127.0.0.1', name: 'clamav', timeoutData: '5s' })), [
    'timeoutData',
  ]);
});

test('an expression in any of its forms becomes rows, and rows become what is written', () => {
  assert.deepEqual(blockOf("listener == 'smtp'"), { rows: [], otherwise: "listener == 'smtp'" });
  assert.deepEqual(blockOf(undefined), { rows: [], otherwise: '' });
  assert.deepEqual(blockOf(true), { rows: [], otherwise: 'true' });
  const written = { match: [{ if: 'a', then: 'b' }], else: 'c' };
  assert.deepEqual(blockOf(written), { rows: [{ if: 'a', then: 'b' }], otherwise: 'c' });
  assert.deepEqual(blockOf({ match: { 0: { if: 'a', then: 'b' } }, else: 'c' }), blockOf(written));
  assert.deepEqual(settingOf(blockOf(written)), written);
  assert.equal(settingOf({ rows: [], otherwise: '' }), undefined);
  assert.equal(settingOf({ rows: [], otherwise: 'x' }), 'x');
});

test('the path of an error leads to a field', () => {
  assert.equal(fieldIn('milters[0].timeoutData'), 'timeoutData');
  assert.equal(fieldIn('milters.2.enable.match.0.if'), 'enable');
  assert.equal(fieldIn('hostname'), 'hostname');
  assert.equal(fieldIn('milters[3]'), '');
});

test('no flag stands twice', () => {
  for (const flags of [ACTIONS, PROTOCOL])
    assert.equal(new Set(flags.map((flag) => flag.bit)).size, flags.length);
});
