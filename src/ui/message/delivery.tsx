/** Attempts to deliver, recipient by recipient. */
import { Link } from 'wouter';
import type { HistoryRow } from '../api/shapes.ts';
import { Card } from '../parts/page.tsx';
import { Plain } from '../parts/plain.tsx';
import { Empty } from '../parts/states.tsx';
import { Status } from '../parts/status.tsx';
import { When } from '../parts/when.tsx';

export function DeliveryTab({ row }: { readonly row: HistoryRow }) {
  if (row.delivery.length === 0)
    return (
      <Empty title="Nothing was delivered">
        {row.outcome === 'accepted'
          ? 'No attempt was made yet.'
          : `This message was ${row.outcome} and never came into the queue.`}
      </Empty>
    );
  return (
    <Card title="Recipients" aside={<Link href={`/queue/entry/${row.id}`}>Find in the queue</Link>}>
      <div className="scroll-x" tabIndex={0} role="region" aria-label="Recipients">
        <table className="plain-table">
          <thead>
            <tr>
              <th scope="col">Recipient</th>
              <th scope="col">State</th>
              <th scope="col" className="num">
                Attempts
              </th>
              <th scope="col">Last</th>
              <th scope="col">Next hop</th>
              <th scope="col">Its answer</th>
            </tr>
          </thead>
          <tbody>
            {row.delivery.map((line) => (
              <tr key={line.recipient}>
                <td>
                  <Plain text={line.recipient} />
                </td>
                <td>
                  <Status word={line.state} />
                </td>
                <td className="num">{line.attempts}</td>
                <td>
                  <When at={line.at} />
                </td>
                <td>
                  <Plain text={line.hop} none="–" mono />
                </td>
                <td>
                  <Plain text={line.reply} none="none yet" mono />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}
