/** Where mail to an address would go, in the words of the mailer macros: asked of the routes, before there is an entry. */
import type { Environment, Value } from '#expressions';
import type { RouteConfig } from '#gateway/config';
import { domainOf, utf8Of } from '#message';
import type { Mailer } from '#stages';

/**
 * The first route whose condition holds by the address alone. Conditions that need more than that (size, age) or cannot be
 * evaluated count as not holding; without a route the mailer is `smtp` to the address's own domain.
 */
export function mailerOf(
  routes: readonly RouteConfig[],
  environment: (variable: (name: string) => Value) => Environment,
): (address: string) => Mailer {
  return (address) => {
    const domain = domainOf(address);
    const route = routes.find((r) => r.match.constant ?? holdsFor(r, address, environment));
    switch (route?.via) {
      case 'maildir':
        return { mailer: 'local', host: domain };
      case 'discard':
        return { mailer: 'discard', host: domain };
      case 'smtp':
        return { mailer: 'smtp', host: route.to[0]?.host ?? domain };
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
