/** The language of `enable` and of routes: parsed, checked and compiled once, evaluated often. Pure. */
export {
  compileBlock,
  compileExpression,
  type Block,
  type BlockSource,
  type CompileOptions,
  type Expression,
} from './block.ts';
export type { Diagnostic, ErrorCode, WarningCode } from './diagnostics.ts';
export type {
  Awaitable,
  DnsType,
  Environment,
  ExpressionStore,
  HashName,
  Service,
  SystemName,
} from './environment.ts';
export { explainBlock, explainExpression, type ExplainedPart, type Explanation } from './explain.ts';
export { ExpressionFault, LIMITS, type FaultCode } from './limits.ts';
export { functionWords, variableWords, type FunctionWord, type VariableWord } from './language.ts';
export { slipsBetween } from './nearest.ts';
export { floatOf, toText, truthy, type Float, type Integer, type Value } from './values.ts';
export { variablesOf, type VariableRow, type VariableSet, type VariableType } from './variables.ts';
