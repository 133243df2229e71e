/** Limits of the configuration on their way to the server and to intake. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '#gateway/config';
import { INTAKE_LIMITS } from '#intake';
import { DEFAULT_LIMITS } from '#smtp/server';
import { listenerOptions } from './listeners.ts';

/** The limits of a server whose listener has `more` written. */
function limitsWith(more: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const text = JSON.stringify({ listeners: [{ name: 'in', bind: '127.0.0.1:0', ...more }] });
  const loaded = loadConfig({ text, name: 'test' });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  const { config } = loaded;
  return listenerOptions(config, config.listeners[0]!, null).limits as Readonly<Record<string, unknown>>;
}

test('what is not written is as the server and intake have it, but for the size that is offered', () => {
  const expected: Readonly<Record<string, number>> = {
    ...DEFAULT_LIMITS,
    ...INTAKE_LIMITS,
    maxMessageSize: 52_428_800,
  };
  assert.deepEqual(limitsWith({}), expected);
});

test('what is written counts, and the rest stays', () => {
  const limits = limitsWith({
    limits: { commandTimeout: '100ms', maxErrors: 0, minDataRate: '1KB', maxHops: 30 },
  });
  assert.deepEqual(
    ['commandTimeout', 'maxErrors', 'minDataRate', 'maxHops', 'dataTimeout'].map((name) => limits[name]),
    [100, 0, 1024, 30, 300_000],
  );
});

test('there are commands enough for all recipients, unless a number is written', () => {
  assert.equal(limitsWith({ maxRecipients: 20_000 })['maxCommands'], 40_000);
  assert.equal(limitsWith({ maxRecipients: 20_000, limits: { maxCommands: 5 } })['maxCommands'], 5);
});

test('values outside the bounds are refused, those at the bounds are not', () => {
  const ok = (limits: Readonly<Record<string, unknown>>): boolean =>
    loadConfig({
      text: JSON.stringify({ listeners: [{ name: 'in', bind: '127.0.0.1:0', limits }] }),
      name: 'test',
    }).ok;
  const bounds = [
    ['commandTimeout', 100, 86_400_000],
    ['maxCommandLine', 512, 1_048_576],
    ['maxLineLength', 998, 2 ** 31 - 1],
    ['maxErrors', 0, 1_000_000],
    ['maxTransactions', 1, 1_000_000],
    ['maxConnectionRate', 1, 1_000_000],
    ['minDataRate', 0, 2 ** 31 - 1],
  ] as const;
  for (const [name, least, most] of bounds) {
    assert.deepEqual(
      [least - 1, least, most, most + 1].map((value) => ok({ [name]: value })),
      [false, true, true, false],
      name,
    );
  }
});

test('shedding has defaults, and 0 switches each off', () => {
  const shed = (text: string): unknown => {
    const loaded = loadConfig({ text, name: 'test' });
    assert.ok(loaded.ok);
    return loaded.config.shedding;
  };
  assert.deepEqual(shed(''), { loopDelay: 500, freeDisk: null });
  assert.deepEqual(shed('shedding: { loopDelay: 0, freeDisk: 0 }'), { loopDelay: 0, freeDisk: 0 });
  assert.deepEqual(shed('shedding: { loopDelay: 2s, freeDisk: 100MB }'), {
    loopDelay: 2000,
    freeDisk: 104_857_600,
  });
});
