/** Where mail to an address would go, in the words of the mailer macros: asked of the routes, before there is an entry. */
import type { Environment, Value } from '#expressions';
import type { RouteConfig } from '#gateway/config';
import { domainOf, utf8Of } from '#message';
import type { Mailer } from '#stages';

type RouteOf = (address: string) => RouteConfig | undefined;

/**
 * The first route whose condition holds by the address alone. Conditions that need more than that (size, age) or cannot be
 * evaluated count as not holding.
 */
export function routeOf(
  routes: readonly RouteConfig[],
  environment: (variable: (name: string) => Value) => Environment,
): RouteOf {
  return (address) => routes.find((r) => r.match.constant ?? holdsFor(r, address, environment));
}

/** The mailer of that route; without a route, and by MX, it is `smtp` to the address's own domain. */
export function mailerOf(
  routes: readonly RouteConfig[],
  environment: (variable: (name: string) => Value) => Environment,
): (address: string) => Mailer {
  const find = routeOf(routes, environment);
  return (address) => {
    const domain = domainOf(address);
    const route = find(address);
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

function holdsFor(
  route: RouteConfig,
  address: string,
  environment: (variable: (name: string) => Value) => Environment,
): boolean {
  const rcpt = utf8Of(address).toLowerCase();
  const known: Record<string, Value> = { rcpt, rcpt_domain: domainOf(rcpt), recipients: [rcpt] };
  try {
    return (
      route.match.holds(environment((name) => (Object.hasOwn(known, name) ? known[name]! : ''))) === true
    );
  } catch {
    return false;
  }
}
