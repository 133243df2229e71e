/** The HTTP interface for operators, over the control socket and, when configured, over TCP. */
export { attend } from './attend.ts';
export type { Order } from './contract.ts';
export { actOf } from './orders.ts';
export type { ChangesView } from './diff/view.ts';
export { verdictOf, type VerdictLine } from './quarantine.ts';
