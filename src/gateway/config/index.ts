/** The configuration: schema, loading, defaults. The only place that reads settings. */
export type { BindAddress, HostPort, Network } from './address.ts';
export type {
  Config,
  DeliveryConfig,
  HopConfig,
  ListenerConfig,
  LmtpTarget,
  MilterConfig,
  MilterTlsConfig,
  OnError,
  RelayConfig,
  RouteConfig,
  RouteTarget,
  SmtpTarget,
  SpoolConfig,
  StageName,
  TlsConfig,
} from './config.ts';
export {
  ADMIN_BIND,
  CONTROL_SOCKET,
  isLoopback,
  metricsOpen,
  SCOPES,
  TOKEN,
  type AdminConfig,
  type AdminToken,
  type AdminUser,
  type Scope,
} from './schema-admin.ts';
export { JOURNAL_DEFAULTS, type CaptureConfig, type JournalConfig } from './schema-journal.ts';
export type { DnsConfig } from './schema-dns.ts';
export { diagnosticLine, type ConfigDiagnostic } from './diagnostics.ts';
export {
  NEW_HASH,
  parsePasswordHash,
  passwordHashText,
  type PasswordHash,
  type ScramHash,
  type ScryptHash,
} from './password.ts';
export { parseSize } from './size.ts';
export { senderPattern, userName, type UserConfig } from './users.ts';
export { editList, LISTS, listIn, valueIn, type ListEdit, type ListName, type NotEditable } from './edit.ts';
export {
  effectiveListener,
  effectiveMilter,
  effectiveRoute,
  effectiveSettings,
  HIDDEN,
  writtenIn,
} from './effective.ts';
export { configJsonSchema } from './json-schema.ts';
export { VERSION } from './version.ts';
export { loadConfig, type ConfigSource, type LoadOptions, type LoadResult } from './load.ts';
