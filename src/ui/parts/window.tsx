/** A window over the page: the browser's own dialog, which keeps the focus inside and gives it back. */
import { useEffect, useId, useRef, type ReactNode } from 'react';
import { Icon } from './icons.tsx';
import { Plain } from './plain.tsx';

interface Props {
  readonly title: string;
  readonly close: () => void;
  readonly children: ReactNode;
  readonly foot?: ReactNode;
  readonly wide?: boolean;
}

export function Window({ title, close, children, foot, wide = false }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    ref.current?.showModal();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      className={wide ? 'window wide' : 'window'}
      aria-labelledby={id}
      onClose={close}
      onKeyDown={(event) => event.stopPropagation()}
    >
      <div className="window-head">
        <h2 id={id}>
          <Plain text={title} />
        </h2>
        <button type="button" className="icon-button" aria-label="Close" onClick={close}>
          <Icon name="cross" />
        </button>
      </div>
      <div className="window-body">{children}</div>
      {foot && <div className="window-foot">{foot}</div>}
    </dialog>
  );
}
