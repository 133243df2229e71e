import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { ManualClock } from '#clock';
import { silent } from '#notices';
import { openLmdbSpool } from '#spool';
import { storeCases } from './store.cases.ts';

const root = mkdtempSync(join(tmpdir(), 'spool-'));
after(() => rmSync(root, { recursive: true, force: true }));

let made = 0;
const options = (): Parameters<typeof openLmdbSpool>[0] => ({
  dir: join(root, String(made++)),
  clock: new ManualClock(),
  notices: silent,
});

storeCases('lmdb store', () => openLmdbSpool(options()));
storeCases('lmdb store without cache', () => openLmdbSpool({ ...options(), cacheBytes: 0 }));
storeCases('lmdb store with every body in a file', () => openLmdbSpool({ ...options(), inlineBodyMax: 0 }));
