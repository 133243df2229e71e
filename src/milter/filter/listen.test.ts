import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatListen, parseListen } from './listen.ts';

test('reads every spelling of an address', () => {
  const tcp = (host: string, port: number) => ({ kind: 'tcp', host, port });
  const cases: [string, unknown][] = [
    ['inet:9900@127.0.0.1', tcp('127.0.0.1', 9900)],
    ['inet6:9900@::1', tcp('::1', 9900)],
    ['inet:9900@[::1]', tcp('::1', 9900)],
    ['inet:9900', tcp('127.0.0.1', 9900)],
    ['inet:localhost:9900', tcp('localhost', 9900)],
    ['localhost:9900', tcp('localhost', 9900)],
    [':9900', tcp('127.0.0.1', 9900)],
    ['9900@0.0.0.0', tcp('0.0.0.0', 9900)],
    ['[::1]:0', tcp('::1', 0)],
    ['127.0.0.1:65535', tcp('127.0.0.1', 65535)],
    ['unix:/run/f.sock', { kind: 'unix', path: '/run/f.sock' }],
    ['local:/run/f.sock', { kind: 'unix', path: '/run/f.sock' }],
    ['/run/f.sock', { kind: 'unix', path: '/run/f.sock' }],
  ];
  for (const [text, expected] of cases) assert.deepEqual(parseListen(text), expected, text);
});

test('refuses what is none', () => {
  for (const text of ['', '9900', 'localhost', 'inet:65536@x', 'x:65536', 'unix:', 'inet:@x', 'x:y'])
    assert.throws(() => parseListen(text), { code: 'listen' }, text);
});

test('is written as an MTA takes it', () => {
  for (const text of ['inet:9900@127.0.0.1', 'inet6:9900@::1', 'unix:/run/f.sock'])
    assert.equal(formatListen(parseListen(text)), text);
});
