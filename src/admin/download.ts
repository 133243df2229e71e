/** Bytes of messages and copies to take away: hostile, never shown by a browser as anything. */
import type { Context } from 'hono';

/** An answer of bytes, described. */
export const bytes = (type: string, description: string) => ({ description, content: { [type]: {} } });

/** Bytes to be saved under a name of ours. */
export function download(c: Context, type: string, name: string, body: Uint8Array | string): Response {
  c.header('content-type', type);
  c.header('content-disposition', `attachment; filename="${name}"`);
  c.header('content-security-policy', "default-src 'none'; sandbox");
  return c.body(body as Uint8Array<ArrayBuffer>);
}
