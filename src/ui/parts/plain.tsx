/** Text from mail, filters and other hosts: literal, its direction kept to itself, what is invisible named. */
import { memo } from 'react';
import { piecesOf, visible } from './visible.ts';

interface Props {
  readonly text: string;
  /** Shown for an empty text. */
  readonly none?: string;
  readonly mono?: boolean;
  /** The whole text as a tip: for places that cut it off. */
  readonly tip?: boolean;
}

export const Plain = memo(function Plain({ text, none, mono = false, tip = false }: Props) {
  if (text === '' && none !== undefined) return <span className="dim">{none}</span>;
  const pieces = piecesOf(text);
  return (
    <bdi className={mono ? 'hostile mono' : 'hostile'} {...(tip && { title: visible(text) })}>
      {pieces.map((piece, i) =>
        piece.hidden ? (
          <span key={i} className="invisible">
            {piece.text}
          </span>
        ) : (
          piece.text
        ),
      )}
    </bdi>
  );
});
