/** What the reader of a mail sees: its text, or its HTML in a frame that may do nothing. */
import { SegmentedControl } from '@mantine/core';
import type { Email } from 'postal-mime';
import { useMemo } from 'react';
import { useParameters } from '../parts/address.ts';
import { Card } from '../parts/page.tsx';
import { Plain } from '../parts/plain.tsx';
import { Empty, Note } from '../parts/states.tsx';
import { harmless } from './harmless.ts';

/** Characters that are drawn. */
const MOST = 300_000;

export function MailText({ mail }: { readonly mail: Email }) {
  const [parameters, change] = useParameters();
  const { html = '', text = '' } = mail;
  const asHtml = html !== '' && (text === '' || parameters.get('as') === 'html');
  const safe = useMemo(
    () => (asHtml ? harmless(html, `${window.location.origin}/mail.css`) : ''),
    [asHtml, html],
  );
  if (html === '' && text === '')
    return <Empty title="There is no text">See its parts, or its source.</Empty>;
  return (
    <Card
      title={asHtml ? 'HTML' : 'Text'}
      aside={
        html !== '' &&
        text !== '' && (
          <SegmentedControl
            aria-label="Which of its texts"
            size="xs"
            data={[
              { value: 'text', label: 'Text' },
              { value: 'html', label: 'HTML' },
            ]}
            value={asHtml ? 'html' : 'text'}
            onChange={(value) => change({ as: value === 'html' ? 'html' : null })}
          />
        )
      }
    >
      {asHtml ? (
        <div className="stack">
          <Note>
            Shown without scripts, pictures, styles and anything from elsewhere. Where a link led stands
            beside it; none can be followed.
          </Note>
          <iframe
            className="mail-frame"
            title="HTML of the message"
            sandbox=""
            referrerPolicy="no-referrer"
            srcDoc={safe}
          />
        </div>
      ) : (
        <div className="mail-text">
          <Plain text={text.slice(0, MOST)} />
        </div>
      )}
    </Card>
  );
}
