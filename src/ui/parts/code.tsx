/** Texts of machines: differences with their signs and colours, and plain blocks; both can be reached and scrolled by keyboard. */
import { memo } from 'react';
import { Plain } from './plain.tsx';

/** A unified difference as the gateway gives it. */
export const Difference = memo(function Difference({
  text,
  label,
}: {
  readonly text: string;
  readonly label: string;
}) {
  if (text.trim() === '') return <p className="dim">Nothing changes.</p>;
  return (
    <div className="code-block" tabIndex={0} role="region" aria-label={label}>
      {text.split('\n').map((line, i) => (
        <span key={i} className={`code-line ${kindOf(line)}`}>
          <Plain text={line} />
        </span>
      ))}
    </div>
  );
});

function kindOf(line: string): string {
  if (line.startsWith('@@') || line.startsWith('+++') || line.startsWith('---')) return 'place';
  if (line.startsWith('+')) return 'added';
  return line.startsWith('-') ? 'removed' : '';
}

/** Lines as they are; long texts are cut, and say so. */
export const Block = memo(function Block({
  text,
  label,
  most = 400_000,
}: {
  readonly text: string;
  readonly label: string;
  readonly most?: number;
}) {
  const lines = text.slice(0, most).split(/\r\n|\n/);
  return (
    <div className="code-block" tabIndex={0} role="region" aria-label={label}>
      {lines.map((line, i) => (
        <span key={i} className="code-line">
          <Plain text={line} />
        </span>
      ))}
      {text.length > most && (
        <span className="code-line place">
          … {text.length - most} more characters: download the message to see them
        </span>
      )}
    </div>
  );
});
