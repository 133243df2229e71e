/** The configuration as it stands in its file: checked while one edits, compared before it is applied, nothing lost. */
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { ask } from '../api/client.ts';
import type { ConfigCheck, ConfigText, Finding } from '../api/shapes.ts';
import { Copy } from '../parts/copy.tsx';
import { Card } from '../parts/page.tsx';
import { Plain } from '../parts/plain.tsx';
import { Loading, Note, Trouble } from '../parts/states.tsx';
import { ConfigReview } from './config-review.tsx';
import './settings.css';

export function ConfigEditor() {
  const config = useQuery({
    queryKey: ['config'],
    queryFn: ({ signal }) => ask<ConfigText>('/api/v1/config', { signal }),
  });
  if (config.isPending) return <Loading what="the configuration" />;
  if (config.isError) return <Trouble error={config.error} retry={() => void config.refetch()} />;
  return <Editor key={config.data.revision} config={config.data} />;
}

function Editor({ config }: { readonly config: ConfigText }) {
  const [text, setText] = useState(config.text);
  const [review, setReview] = useState(false);
  const area = useRef<HTMLTextAreaElement>(null);
  const check = useCheck(text);
  const changed = text !== config.text;
  const findings: readonly Finding[] = [
    ...(check.data?.errors ?? []).map((each) => ({ ...each, severity: 'error' as const })),
    ...(check.data?.warnings ?? []).map((each) => ({ ...each, severity: 'warning' as const })),
  ];
  const go = (finding: Finding): void => {
    const lines = text.split('\n');
    const line = Math.max(0, (finding.line ?? 1) - 1);
    const start = lines.slice(0, line).reduce((sum, each) => sum + each.length + 1, 0);
    area.current?.focus();
    area.current?.setSelectionRange(start, start + (lines[line]?.length ?? 0));
    if (area.current) area.current.scrollTop = Math.max(0, line - 5) * 20;
  };
  return (
    <Card
      title={config.file ?? 'built in'}
      aside={
        <div className="row">
          <Copy text={text} label="Copy" />
          {changed && (
            <Button size="xs" variant="default" onClick={() => setText(config.text)}>
              Leave it as it was
            </Button>
          )}
          <Button
            size="xs"
            disabled={!changed || !config.writable || check.data?.ok === false}
            onClick={() => setReview(true)}
          >
            Review and apply
          </Button>
        </div>
      }
    >
      <div className="stack">
        {!config.writable && (
          <Note tone="warn">
            This file cannot be written from here. Change the text, copy it, and put it into the file
            yourself; then reload the gateway.
          </Note>
        )}
        <textarea
          ref={area}
          className="config-text"
          aria-label="Configuration"
          spellCheck={false}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <div role="status" className="stack" style={{ gap: 6 }}>
          {findings.length === 0 && check.data?.ok && (
            <span className="small dim">The text is understood.</span>
          )}
          {findings.slice(0, 50).map((each, i) => (
            <div key={i} className={`note ${each.severity === 'error' ? 'bad' : 'warn'}`}>
              <div>
                {each.line !== undefined && (
                  <button
                    type="button"
                    className="link-button"
                    style={{ color: 'inherit' }}
                    onClick={() => go(each)}
                  >
                    line {each.line}
                  </button>
                )}{' '}
                <Plain text={each.path} mono /> <Plain text={each.message} />; <Plain text={each.remedy} />
              </div>
            </div>
          ))}
        </div>
      </div>
      {review && <ConfigReview text={text} revision={config.revision} close={() => setReview(false)} />}
    </Card>
  );
}

/** What the gateway thinks of a text, a moment after the last change. */
function useCheck(text: string) {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), 500);
    return () => clearTimeout(timer);
  }, [text]);
  return useQuery({
    queryKey: ['config-check', settled],
    queryFn: ({ signal }) =>
      ask<ConfigCheck>('/api/v1/config/check', { method: 'POST', json: { text: settled }, signal }),
    staleTime: Infinity,
    gcTime: 0,
  });
}
