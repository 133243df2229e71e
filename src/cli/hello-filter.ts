/**
 * The example filter of the starter: adds one header field to every message. Written with nothing but the filter SDK; copy it
 * to begin a filter of your own.
 */
import { defineMilter } from '#milter/filter';

/** The field it adds. */
export const HELLO_FIELD = 'X-Millrace-Hello';

/** Adds `X-Millrace-Hello`; never refuses anything. */
export const helloFilter = defineMilter({
  name: 'hello-filter',
  needs: ['addHeaders'],
  onHeaders(_session, _envelope, headers) {
    headers.add(HELLO_FIELD, 'this message was seen by the example filter');
  },
});
