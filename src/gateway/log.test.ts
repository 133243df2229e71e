import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logTo } from './log.ts';

test('a line has time, level, event, words and the fields, made harmless', () => {
  const lines: string[] = [];
  const log = logTo({ write: (line) => lines.push(line) }, { level: 'info', format: 'json' });
  log.notices('gateway.reload-refused', { file: 'm\xc3\xa9.yaml', reason: 'a\nb', nothing: undefined });
  const { time, ...line } = JSON.parse(lines[0]!) as Record<string, unknown>;
  assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.deepEqual(
    [line['level'], line['event'], line['file']],
    ['error', 'gateway.reload-refused', 'mé.yaml'],
  );
  assert.ok(!String(line['reason']).includes('\n'));
  assert.ok(!('nothing' in line));
});

test('another level and another format count from the next line on', () => {
  const lines: string[] = [];
  const log = logTo({ write: (line) => lines.push(line) }, { level: 'error', format: 'json' });
  log.notices('gateway.reloaded', { file: 'one' });
  assert.deepEqual(lines, []);
  log.reconfigure({ level: 'info', format: 'pretty' });
  log.notices('gateway.reloaded', { file: 'two' });
  assert.match(lines[0]!, /^[\d:.]{12} INFO  .* \(gateway\.reloaded\) file=two\n$/);
  log.reconfigure({ level: 'info', format: 'json' });
  log.notices('gateway.reloaded', { file: 'three' });
  log.reconfigure({ level: 'warn', format: 'json' });
  log.notices('gateway.reloaded', { file: 'four' });
  assert.equal(lines.length, 2);
  assert.equal((JSON.parse(lines[1]!) as { file: string }).file, 'three');
});
