/** An address that is no page. */
import { Page } from '../parts/page.tsx';
import { Empty } from '../parts/states.tsx';

export function Nowhere() {
  return (
    <Page title="Not a page">
      <Empty title="There is no page at this address">
        Choose one at the left, or search with the key /.
      </Empty>
    </Page>
  );
}
