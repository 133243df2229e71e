/** What is written of an item, and on demand everything that holds for it. */
import { Plain } from '../parts/plain.tsx';
import type { Item } from './items.ts';

export function ItemFacts({ item }: { readonly item: Item }) {
  return (
    <>
      <Settings settings={item.settings} />
      {item.effective && (
        <details>
          <summary>With every default</summary>
          <Settings settings={item.effective} />
        </details>
      )}
    </>
  );
}

function Settings({ settings }: { readonly settings: Readonly<Record<string, unknown>> }) {
  return (
    <dl className="facts">
      {Object.entries(settings)
        .filter(([key]) => key !== 'name')
        .map(([key, value]) => (
          <div key={key} style={{ display: 'contents' }}>
            <dt className="mono">{key}</dt>
            <dd>
              <Plain text={shown(value)} none="(empty)" mono />
            </dd>
          </div>
        ))}
    </dl>
  );
}

function shown(value: unknown): string {
  if (value === null) return '(not shown)';
  if (Array.isArray(value) && value.every((each) => typeof each !== 'object')) return value.join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
