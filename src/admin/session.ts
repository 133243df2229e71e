/** The session of the pages as a resource of the HTTP API: begun with a token or a password, carried by a cookie. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi';
import { bodyLimit } from 'hono/body-limit';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { COOKIE, isSecure, SESSION_PATH, type Access, type Known, type Shown } from './access/access.ts';
import { needs, SCOPES } from './access/needs.ts';
import { MAX_TOKEN_TEXT } from './access/tokens.ts';
import { body, json, PROBLEM } from './answers.ts';
import { problem } from './problem.ts';
import { MAX_NAME, MAX_PASSWORD } from './settings-lists.ts';

/** Bytes of a request to begin a session. */
export const MAX_LOG_IN = 4096;

const sessionSchema = z
  .object({ name: z.string(), scope: z.enum(SCOPES), csrf: z.string() })
  .openapi('Session');
const logInSchema = z
  .union([
    z.strictObject({ token: z.string().min(1).max(MAX_TOKEN_TEXT) }),
    z.strictObject({
      user: z.string().min(1).max(MAX_NAME),
      password: z.string().min(1).max(MAX_PASSWORD),
    }),
  ])
  .openapi('LogIn');

/** Adds the resource. */
export function addSession(app: OpenAPIHono, access: Access): void {
  addLogIn(app, access);
  addSessionOf(app, access);
}

function addLogIn(app: OpenAPIHono, access: Access): void {
  const logIn = createRoute({
    method: 'post',
    path: SESSION_PATH,
    summary: 'Begins a session: sets its cookie',
    middleware: bodyLimit({
      maxSize: MAX_LOG_IN,
      onError: (c) => problem(c, 413, 'the request is too large'),
    }),
    request: { body: body(logInSchema) },
    responses: {
      200: json(sessionSchema, 'The session'),
      400: PROBLEM,
      401: PROBLEM,
      403: PROBLEM,
      429: PROBLEM,
      503: PROBLEM,
    },
  });
  app.openapi(logIn, async (c) => {
    if (access.isForeign(c)) return problem(c, 403, 'the request comes from another site');
    const shown = c.req.valid('json');
    const known =
      'token' in shown
        ? byToken(access.look(c, shown.token))
        : await access.lookAtPassword(c, shown.user, shown.password);
    if (known === 'nothing')
      return problem(
        c,
        403,
        'this user may not use the pages: admin.users in the configuration says who may',
      );
    if (known === 'busy') {
      c.header('retry-after', '5');
      return problem(c, 503, 'too many passwords wait to be checked');
    }
    if (typeof known === 'string') return access.refusal(c, known);
    const old = getCookie(c, COOKIE);
    if (old !== undefined) access.sessions.end(old);
    const { cookie, session } = access.sessions.begin(known);
    setCookie(c, COOKIE, cookie, { httpOnly: true, sameSite: 'Strict', path: '/', secure: isSecure(c) });
    const { name, scope, csrf } = session;
    return c.json({ name, scope, csrf }, 200);
  });
}

function addSessionOf(app: OpenAPIHono, access: Access): void {
  const show = createRoute({
    method: 'get',
    path: SESSION_PATH,
    summary: 'The session of the cookie',
    middleware: needs('viewer'),
    responses: { 200: json(sessionSchema, 'The session'), 401: PROBLEM },
  });
  app.openapi(show, async (c) => {
    const session = await access.sessionOf(c);
    if (!session) return problem(c, 401, 'there is no session: the request has a token');
    const { name, scope, csrf } = session;
    return c.json({ name, scope, csrf }, 200);
  });
  const logOut = createRoute({
    method: 'delete',
    path: SESSION_PATH,
    summary: 'Ends the session',
    middleware: needs('viewer'),
    responses: { 204: { description: 'It is over' }, 401: PROBLEM },
  });
  app.openapi(logOut, (c) => {
    const cookie = getCookie(c, COOKIE);
    if (cookie !== undefined) access.sessions.end(cookie);
    deleteCookie(c, COOKIE, { path: '/' });
    return c.body(null, 204);
  });
}

/** Who shows a token begins a session with it. */
const byToken = (shown: Shown): Known => (typeof shown === 'string' ? shown : { ...shown, account: null });
