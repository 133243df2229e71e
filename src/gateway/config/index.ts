/** The configuration: schema, loading, defaults. The only place that reads settings. */
export type { BindAddress, HostPort, Network } from './address.ts';
export type {
  Config,
  DeliveryConfig,
  ListenerConfig,
  MilterConfig,
  MilterTlsConfig,
  OnError,
  RelayConfig,
  RouteConfig,
  RouteTarget,
  SpoolConfig,
  StageName,
  TlsConfig,
} from './config.ts';
export { diagnosticLine, type ConfigDiagnostic } from './diagnostics.ts';
export { VERSION } from './version.ts';
export { loadConfig, type ConfigSource, type LoadOptions, type LoadResult } from './load.ts';
