/** Where the pages begin. */
import '../styles/components.ts';
import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Failure } from '../api/client.ts';
import { Preferences } from '../parts/preferences.tsx';
import { App } from './app.tsx';
import { theme } from './theme.ts';

const client = new QueryClient({
  defaultOptions: {
    queries: {
      // What the gateway refused it refuses again; what did not arrive may arrive.
      retry: (count, error) =>
        count < 2 && error instanceof Failure && (error.status === 0 || error.status >= 502),
      staleTime: 2000,
      gcTime: 60_000,
      refetchOnWindowFocus: false,
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
});

createRoot(document.querySelector('#root')!).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      withCssVariables={false}
      withGlobalClasses={false}
    >
      <QueryClientProvider client={client}>
        <Preferences>
          <App />
        </Preferences>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
