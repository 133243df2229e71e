/** Copies of conversations in other programs' formats. Pure. */
import type { Changes, ConversationLine, PacketRow } from '#journal';
import { filterTest } from './filter-test.ts';
import { pcapngOf } from './pcapng.ts';

/** Everything that is kept of one conversation. */
export interface Conversation {
  readonly session: string;
  /** In order; the first is the connection itself. */
  readonly parts: readonly ConversationLine[];
  readonly packets: readonly PacketRow[];
  /** Of its messages that filters changed. */
  readonly changes: readonly Changes[];
}

/** A copy to be saved. */
export interface Copy {
  readonly type: string;
  readonly name: string;
  readonly content: Uint8Array | string;
}

/** Makes a copy, or says in words why there is none. */
export function exportOf(whole: Conversation, format: 'json' | 'pcapng' | 'test'): Copy | string {
  const name = `conversation-${whole.session}`;
  switch (format) {
    case 'json': {
      const { session, parts, packets } = whole;
      const content = JSON.stringify({ session, parts, packets }, null, 1) + '\n';
      return { type: 'application/json', name: `${name}.json`, content };
    }
    case 'pcapng':
      return { type: 'application/x-pcapng', name: `${name}.pcapng`, content: pcapngOf(whole) };
    case 'test': {
      const content = filterTest(whole);
      return content === null
        ? 'the content of no message of this conversation is kept as a whole: nothing to replay'
        : { type: 'text/typescript; charset=utf-8', name: `${name}.test.ts`, content };
    }
  }
}
