import assert from 'node:assert/strict';
import { test } from 'node:test';
import { domainOf } from '#message';
import { entryTo, agentThat, OK } from './rig.cases.ts';
import { routeEntry } from './route.ts';
import type { Route } from './options.ts';

const one = agentThat(() => OK);
const two = agentThat(() => OK);
const entry = entryTo(['a@one', 'b@two', 'c@one', 'd@none']).meta;
const to = (domain: string, agent: typeof one, late = false): Route => ({
  match: ({ recipient }) => {
    const holds = domainOf(recipient.address) === domain;
    return late ? Promise.resolve(holds) : holds;
  },
  agent,
  destinationKey: domain,
});

test('the first route that matches carries a recipient, those of one destination go together', async () => {
  for (const late of [false, true]) {
    const heard: string[] = [];
    const routing = routeEntry(entry, [to('one', one, late), to('two', two), to('one', two)], (n) =>
      heard.push(n),
    );
    assert.equal(routing instanceof Promise, late);
    const { groups, stranded } = await routing;
    assert.deepEqual(
      groups.map((g) => [g.destination, g.recipients, g.agent === one]),
      [
        ['one', [0, 2], true],
        ['two', [1], false],
      ],
    );
    const s = stranded.get(3)!;
    assert.deepEqual([s.code, s.enhanced], [451, '4.4.4']);
    assert.deepEqual(heard, ['delivery.no-route']);
  }
});

test('a condition that fails leaves the recipient for later instead of trying the next route', async () => {
  const broken: Route[] = [
    { match: () => Promise.reject(new Error('dns')), agent: one, destinationKey: 'x' },
    {
      match: () => {
        throw new Error('bug');
      },
      agent: one,
      destinationKey: 'x',
    },
  ];
  for (const route of broken) {
    const heard: string[] = [];
    const { groups, stranded } = await routeEntry(entry, [route, to('one', one)], (n) => heard.push(n));
    assert.equal(groups.length, 0);
    assert.deepEqual(
      [...stranded.values()].map((s) => s.enhanced),
      ['4.3.5', '4.3.5', '4.3.5', '4.3.5'],
    );
    assert.equal(heard[0], 'delivery.route-error');
  }
});

test('finished recipients are not routed again', async () => {
  const recipients = entry.recipients.map((r, i) => (i === 0 ? { ...r, state: 'delivered' as const } : r));
  const { groups } = await routeEntry({ ...entry, recipients }, [to('one', one)], () => {});
  assert.deepEqual(
    groups.map((g) => g.recipients),
    [[2]],
  );
});

test('the destination may be made of the facts', async () => {
  const route: Route = {
    match: () => true,
    agent: one,
    destinationKey: (f) => domainOf(f.recipient.address),
  };
  const { groups } = await routeEntry(entry, [route], () => {});
  assert.deepEqual(
    groups.map((g) => [g.destination, g.recipients.length]),
    [
      ['one', 2],
      ['two', 1],
      ['none', 1],
    ],
  );
});
