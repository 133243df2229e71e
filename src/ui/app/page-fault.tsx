/** Keeps a fault of one page from taking the others with it; another address begins anew. */
import { Component, type ReactNode } from 'react';
import { Trouble } from '../parts/states.tsx';

interface Props {
  readonly path: string;
  readonly children: ReactNode;
}

export class PageFault extends Component<Props, { readonly error: unknown }> {
  override state: { readonly error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown): { readonly error: unknown } {
    return { error };
  }

  override componentDidUpdate(before: Props): void {
    if (before.path !== this.props.path && this.state.error !== null) this.setState({ error: null });
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children;
    return <Trouble error={this.state.error} retry={() => this.setState({ error: null })} />;
  }
}
