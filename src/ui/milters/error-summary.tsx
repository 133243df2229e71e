/** Above the form: what is wrong, each a way to its field. */
import type { Ref } from 'react';
import { Icon } from '../parts/icons.tsx';
import { Plain } from '../parts/plain.tsx';
import { focusFirst } from './milter-form.tsx';
import { ADVANCED, CONNECTION, OPTIONS, TIMEOUTS, TLS } from './fields.ts';
import type { Complaint } from './validate.ts';

const FIELDS = [...CONNECTION, ...TLS, ...OPTIONS, ...TIMEOUTS, ...ADVANCED];
const labelOf = (field: string): string => FIELDS.find((each) => each.key === field)?.label ?? field;

export function ErrorSummary({
  errors,
  ref,
}: {
  readonly errors: readonly Complaint[];
  readonly ref: Ref<HTMLDivElement>;
}) {
  return (
    <div ref={ref} tabIndex={-1} role="alert" aria-label="What is wrong">
      {errors.length > 0 && (
        <div className="note bad">
          <Icon name="warning" />
          <div>
            <strong>
              {errors.length === 1 ? 'One thing is wrong' : `${errors.length} things are wrong`}
            </strong>
            <ul>
              {errors.map((each, i) => (
                <li key={i}>
                  {each.field === '' ? (
                    <Plain text={each.message} />
                  ) : (
                    <button
                      type="button"
                      className="link-button"
                      style={{ color: 'inherit' }}
                      onClick={() => focusFirst(each.field)}
                    >
                      {labelOf(each.field)}: <Plain text={each.message} />
                    </button>
                  )}
                </li>
              ))}
            </ul>
          </div>
        </div>
      )}
    </div>
  );
}
