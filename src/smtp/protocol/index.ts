/** The words of SMTP, both directions: commands, paths, parameters, replies, content. Pure. */
export { hasControl, isHttp, parseCommand, type Command, type Verb } from './commands.ts';
export type { BareLineEnds, ContentFaultKind, ContentRules } from './content-rules.ts';
export { DotUnstuffer } from './dot-unstuffer.ts';
export { ehloReply, type OfferedExtensions } from './extensions.ts';
export { canonicalIp } from './ip-addresses.ts';
export { isProxyHeader, ProxyHeaderParser, type ProxyEnd, type ProxyHeader } from './proxy.ts';
export { parseXclient, parseXforward, XCLIENT_OFFERS, type XclientFacts } from './xclient.ts';
export { parseParameters, type OfferedParameters, type ParsedParameters } from './parameters.ts';
export { parseForwardPath, parseReversePath, utf8Refusal, type ParsedPath } from './paths.ts';
export { formatReply } from './replies.ts';
export * from './dot-stuffer.ts';
export * from './reply-parser.ts';
