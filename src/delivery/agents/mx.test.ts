import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '#clock';
import { bodyOf, byteStringOf, bytesOf } from '#message';
import { silent } from '#notices';
import type { Agent, Outcome } from '../agent.ts';
import { mx, resolverOf, STRANGER } from '../mx/rig.cases.ts';
import type { TableResolver, Zone } from '../mx/rig.cases.ts';
import { entryTo } from '../rig.cases.ts';
import { makeMxAgent, mxDestination } from './mx.ts';

function agentOver(zone: Zone): { readonly agent: Agent; readonly resolver: TableResolver } {
  const resolver = resolverOf(zone);
  const clock = new ManualClock();
  const how = { hostname: 'us.test', tls: 'off', clock, notices: silent } as const;
  return {
    resolver,
    agent: makeMxAgent({ ...how, resolver, ourselves: STRANGER, allowLoopback: false }),
  };
}

function deliver(
  agent: Agent,
  addresses: readonly string[],
  signal = new AbortController().signal,
): Promise<readonly Outcome[]> {
  const { meta: entry } = entryTo(addresses);
  const content = { header: bytesOf('Subject: x\r\n'), body: bodyOf([bytesOf('body\r\n')]) };
  return agent.deliver({
    entry,
    recipients: entry.recipients,
    content: () => Promise.resolve(content),
    signal,
  });
}

const shown = (outcomes: readonly Outcome[]): readonly string[] =>
  outcomes.map(({ address, status: s }) => `${address} ${s.code} ${s.enhanced}`);

test('the destination of a recipient is its domain, whatever it is written like', () => {
  const key = (address: string): string => {
    const { meta: entry } = entryTo([address]);
    return mxDestination({ entry, recipient: entry.recipients[0]! });
  };
  assert.equal(key('u@D.Test'), 'mx:d.test');
  assert.equal(key('v@d.test.'), 'mx:d.test');
  assert.equal(key(byteStringOf('u@bücher.test')), 'mx:xn--bcher-kva.test');
  assert.equal(key('u@[192.0.2.1]'), 'mx:[192.0.2.1]');
  assert.equal(key('u@not a domain'), 'mx:?');
  assert.equal(key('postmaster'), 'mx:?');
});

test('what DNS says about a domain is the outcome of all its recipients, and asked once', async () => {
  const { agent, resolver } = agentOver({ mx: { 'null.test': mx('0 .'), 'sick.test': 'ESERVFAIL' } });
  const outcomes = await deliver(agent, [
    'a@gone.test',
    'b@NULL.test',
    'c@gone.test',
    'd@sick.test',
    'e@null.test',
  ]);
  assert.deepEqual(shown(outcomes).toSorted(), [
    'a@gone.test 550 5.1.2',
    'b@NULL.test 556 5.1.10',
    'c@gone.test 550 5.1.2',
    'd@sick.test 451 4.4.3',
    'e@null.test 556 5.1.10',
  ]);
  // Only name servers in trouble make a destination that cannot be reached.
  assert.deepEqual(
    outcomes.filter((o) => o.unreached).map((o) => o.address),
    ['d@sick.test'],
  );
  assert.deepEqual(shown(await deliver(agent, ['f@gone.test'])), ['f@gone.test 550 5.1.2']);
  assert.deepEqual(resolver.asked, ['MX gone.test', 'MX null.test', 'MX sick.test']);
});

test('addresses without a domain and with a wrong one are told apart', async () => {
  const { agent, resolver } = agentOver({});
  assert.deepEqual(shown(await deliver(agent, ['postmaster', 'u@a..b', 'root'])), [
    'postmaster 553 5.1.3',
    'root 553 5.1.3',
    'u@a..b 550 5.1.2',
  ]);
  assert.deepEqual(resolver.asked, []);
});

test('a search that is broken off is over at once', async () => {
  const { agent } = agentOver({ mx: { 'slow.test': 'never' } });
  const abort = new AbortController();
  const outcomes = deliver(agent, ['u@slow.test'], abort.signal);
  abort.abort();
  assert.deepEqual(shown(await outcomes), ['u@slow.test 451 4.3.2']);
  assert.deepEqual(shown(await deliver(agent, ['u@slow.test'], abort.signal)), ['u@slow.test 451 4.3.2']);
});

test('closing ends searches that are under way', async () => {
  const { agent } = agentOver({ mx: { 'slow.test': 'never' } });
  const outcomes = deliver(agent, ['u@slow.test']);
  await agent.close();
  assert.deepEqual(shown(await outcomes), ['u@slow.test 451 4.4.3']);
});
