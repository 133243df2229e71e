/** The HTTP interface for operators, over the control socket and, when configured, over TCP. */
export { attend } from './attend.ts';
export type { Order } from './contract.ts';
export { actOf } from './orders.ts';
