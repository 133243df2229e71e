/** Where mail to an address would go, in the words of the mailer macros: asked of the routes, before there is an entry. */
import type { Environment, Value } from '#expressions';
import type { RouteConfig } from '#gateway/config';
import { domainOf, utf8Of } from '#message';
import type { Mailer } from '#stages';

type RouteOf = (address: string) => RouteConfig | undefined;

/**
 * The route that will take the address whatever the message is: the first whose condition holds, when those before it are known
 * not to. Nothing when a condition on the way needs more than the address (size, sender, the other recipients) or cannot be
 * evaluated: the mail may then go elsewhere.
 */
export function certainRouteOf(
  routes: readonly RouteConfig[],
  environment: (variable: (name: string) => Value) => Environment,
): RouteOf {
  return (address) => {
    for (const route of routes) {
      const holds = route.match.constant ?? decide(route, address, environment);
      if (holds !== false) return holds ? route : undefined;
    }
    return undefined;
  };
}

/**
 * The mailer of the first route whose condition holds by the address alone; one that needs more counts as not holding. Without a
 * route, and by MX, it is `smtp` to the address's own domain.
 */
export function mailerOf(
  routes: readonly RouteConfig[],
  environment: (variable: (name: string) => Value) => Environment,
): (address: string) => Mailer {
  return (address) => {
    const domain = domainOf(address);
    const route = routes.find((r) => r.match.constant ?? decide(r, address, environment) ?? false);
    switch (route?.via) {
      case 'maildir':
        return { mailer: 'local', host: domain };
      case 'discard':
        return { mailer: 'discard', host: domain };
      case 'smtp':
      case 'lmtp':
        return { mailer: route.via, host: route.to[0]?.host ?? domain };
      case 'mx':
      case undefined:
        return { mailer: 'smtp', host: domain };
    }
  };
}

/** Whether a route takes an address; null when the address alone does not say. */
function decide(
  route: RouteConfig,
  address: string,
  environment: (variable: (name: string) => Value) => Environment,
): boolean | null {
  const rcpt = utf8Of(address).toLowerCase();
  const known: Record<string, Value> = { rcpt, rcpt_domain: domainOf(rcpt) };
  let needsMore = false;
  const variable = (name: string): Value => {
    if (Object.hasOwn(known, name)) return known[name]!;
    needsMore = true;
    return name === 'recipients' ? [rcpt] : '';
  };
  try {
    const holds = route.match.holds(environment(variable));
    return needsMore || typeof holds !== 'boolean' ? null : holds;
  } catch {
    return null;
  }
}
