/** The parts of a mail: what they call themselves, how large they are, what they are by their digest. */
import { useQuery } from '@tanstack/react-query';
import type { Email } from 'postal-mime';
import { bytes } from '../parts/format.ts';
import { Card } from '../parts/page.tsx';
import { Plain } from '../parts/plain.tsx';

interface Part {
  readonly name: string;
  readonly type: string;
  readonly content: Uint8Array;
}

export function PartList({ mail }: { readonly mail: Email }) {
  const parts = partsOf(mail);
  return (
    <Card title="Parts">
      <div className="scroll-x" tabIndex={0} role="region" aria-label="Parts of the message">
        <table className="plain-table">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Type</th>
              <th scope="col" className="num">
                Size
              </th>
              <th scope="col">SHA-256</th>
            </tr>
          </thead>
          <tbody>
            {parts.map((part, i) => (
              <tr key={i}>
                <td>
                  <Plain text={part.name} none="without a name" />
                </td>
                <td>
                  <Plain text={part.type} mono />
                </td>
                <td className="num">{bytes(part.content.length)}</td>
                <td>
                  <Digest content={part.content} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

function partsOf(mail: Email): Part[] {
  const encoder = new TextEncoder();
  const parts: Part[] = [];
  if (mail.text) parts.push({ name: 'text', type: 'text/plain', content: encoder.encode(mail.text) });
  if (mail.html) parts.push({ name: 'HTML', type: 'text/html', content: encoder.encode(mail.html) });
  for (const { filename, mimeType, content } of mail.attachments) {
    const inside = typeof content === 'string' ? encoder.encode(content) : new Uint8Array(content);
    parts.push({ name: filename ?? '', type: mimeType, content: inside });
  }
  return parts;
}

function Digest({ content }: { readonly content: Uint8Array }) {
  const digest = useQuery({
    queryKey: ['digest', content.length, content.byteOffset, content.slice(0, 64).join()],
    queryFn: async () => {
      const hash = await crypto.subtle.digest('SHA-256', content as Uint8Array<ArrayBuffer>);
      return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
    },
    staleTime: Infinity,
    gcTime: 0,
  });
  if (digest.isError) return <span className="dim">only on HTTPS or this machine</span>;
  return <code>{digest.data ?? '…'}</code>;
}
