/** The packet in focus: decoded on the left, its bytes on the right. */
import type { PacketRow } from '../api/shapes.ts';
import { bytesOf } from '../message/bytes.ts';
import { hex } from '../milters/flags.ts';
import { Copy } from '../parts/copy.tsx';
import { Card } from '../parts/page.tsx';
import { Plain } from '../parts/plain.tsx';
import { Note } from '../parts/states.tsx';
import { isMacroList, missingMacros } from './asked-macros.ts';
import { hexLines } from './hex.ts';
import { negotiationOf, type FlagLine, type Negotiation } from './negotiation.ts';

interface Props {
  readonly row: PacketRow | undefined;
  readonly macros: readonly PacketRow[];
  readonly rows: readonly PacketRow[];
}

export function PacketDetail({ row, macros, rows }: Props) {
  if (!row) return null;
  const negotiation = negotiationOf(row, rows);
  const bytes = bytesOf(row.data);
  const dump = hexLines(bytes.subarray(0, 16_384)).join('\n');
  return (
    <div className="panes">
      <Card title="Packet" aside={<Copy label="Copy packet" text={JSON.stringify(row, null, 2)} />}>
        <div className="stack" tabIndex={0} role="region" aria-label="Decoded packet">
          {row.note !== '' && (
            <Note tone="bad">
              <Plain text={row.note} />
            </Note>
          )}
          <p>
            <strong className="mono">
              <Plain text={row.code} />
            </strong>{' '}
            <Plain text={row.summary} />
          </p>
          {negotiation ? (
            <>
              <NegotiationTable negotiation={negotiation} />
              <FieldList row={{ ...row, fields: row.fields.filter(isMacroList) }} title="Macros it wants" />
            </>
          ) : (
            <FieldList row={row} title="" />
          )}
          {macros.map((each) => (
            <Macros key={each.n} row={each} rows={rows} />
          ))}
        </div>
      </Card>
      <Card
        title="Bytes"
        aside={
          <Copy
            label="Copy as hex"
            text={Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}
          />
        }
      >
        <div className="stack">
          {dump === '' ? (
            <p className="dim">
              {row.bytes > 0 ? 'The bytes of this packet are not kept.' : 'It has no payload.'}
            </p>
          ) : (
            <pre className="hex" tabIndex={0} role="region" aria-label="Bytes of the packet">
              {dump}
            </pre>
          )}
          {row.cut > 0 && dump !== '' && (
            <p className="dim">{row.cut.toLocaleString('en-GB')} more bytes are not kept.</p>
          )}
        </div>
      </Card>
    </div>
  );
}

/** What was sent, and what of the filter's own list was not: macros without a value are left out. */
function Macros({ row, rows }: { readonly row: PacketRow; readonly rows: readonly PacketRow[] }) {
  const missing = missingMacros(row, rows);
  return (
    <>
      <FieldList row={row} title="Macros sent with it" />
      {missing.length > 0 && (
        <p className="small">
          Asked for and not sent, for want of a value: <Plain text={missing.join(' ')} mono />
        </p>
      )}
    </>
  );
}

function FieldList({ row, title }: { readonly row: PacketRow; readonly title: string }) {
  if (row.fields.length === 0) return null;
  return (
    <section className="stack" style={{ gap: 6 }}>
      {title !== '' && <h3>{title}</h3>}
      <dl className="facts">
        {row.fields.map((field, i) => (
          <div key={i} style={{ display: 'contents' }}>
            <dt className="mono">
              <Plain text={field.name} />
            </dt>
            <dd className="mono">
              <Plain text={field.value} none="(empty)" />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function NegotiationTable({
  negotiation: { offer, answer, actions, protocol },
}: {
  readonly negotiation: Negotiation;
}) {
  return (
    <div className="stack">
      <dl className="facts">
        <dt>Version</dt>
        <dd>
          offered {offer.version}
          {answer
            ? `, answered ${answer.version}, used ${Math.min(offer.version, answer.version)}`
            : ', not answered yet'}
        </dd>
        <dt>Actions</dt>
        <dd className="mono">
          {hex(offer.actions)} → {answer ? hex(answer.actions) : '…'}
        </dd>
        <dt>Protocol</dt>
        <dd className="mono">
          {hex(offer.protocol)} → {answer ? hex(answer.protocol) : '…'}
        </dd>
      </dl>
      <Flags title="What it may do" lines={actions} granted />
      <Flags title="How both speak" lines={protocol} granted={false} />
    </div>
  );
}

function Flags({
  title,
  lines,
  granted,
}: {
  readonly title: string;
  readonly lines: readonly FlagLine[];
  readonly granted: boolean;
}) {
  const mark = (on: boolean): string => (on ? 'yes' : '–');
  return (
    <div className="scroll-x" tabIndex={0} role="region" aria-label="Flags">
      <table className="plain-table">
        <caption className="sr-only">{title}</caption>
        <thead>
          <tr>
            <th scope="col">{title}</th>
            <th scope="col">Offered</th>
            <th scope="col">Wanted</th>
            {granted && <th scope="col">Granted</th>}
          </tr>
        </thead>
        <tbody>
          {lines.map(({ flag, offered, wanted }) => (
            <tr key={flag.name}>
              <td>
                <span className="mono">{flag.name}</span> <span className="dim small">{flag.means}</span>
              </td>
              <td>{mark(offered)}</td>
              <td>{mark(wanted)}</td>
              {granted && <td>{offered && wanted ? 'yes' : wanted ? 'refused' : '–'}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
