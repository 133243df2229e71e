/** Makes dist/ui: the pages as files with hashed names, without anything inline, so that the strictest policy of a browser lets them in. */
import react from '@vitejs/plugin-react';
import { fileURLToPath } from 'node:url';
import type { UserConfig } from 'vite';

const here = fileURLToPath(new URL('.', import.meta.url));

const config: UserConfig = {
  root: here,
  base: '/',
  publicDir: `${here}public`,
  plugins: [react()],
  build: {
    outDir: `${here}../../dist/ui`,
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { '/api': process.env['MILLRACE_URL'] ?? 'http://127.0.0.1:8025' } },
};

// oxlint-disable-next-line import/no-default-export -- Vite reads its configuration from the default export
export default config;
