/** The expression tester. It reads nothing of the gateway and changes nothing. */
import { createRoute, type OpenAPIHono, type z } from '@hono/zod-openapi';
import { checkExpression, evaluateExpression, language } from '#gateway';
import { needs } from './access/needs.ts';
import { body, json, PROBLEM } from './answers.ts';
import * as contract from './contract-milters.ts';
import { problem } from './problem.ts';

type Checked = z.output<typeof contract.checkedSchema>;
type Evaluated = z.output<typeof contract.evaluatedSchema>;
type Language = z.output<typeof contract.languageSchema>;

/** Adds the resources below /api/v1/expressions. `hostname`: what `system('hostname')` gives. */
export function addExpressions(app: OpenAPIHono, hostname: () => string): void {
  const check = createRoute({
    method: 'post',
    path: '/api/v1/expressions/check',
    summary: 'What is wrong with an expression, or a block of them',
    middleware: needs('viewer'),
    request: { body: body(contract.checkSchema) },
    responses: { 200: json(contract.checkedSchema, 'Findings with their places'), 400: PROBLEM },
  });
  app.openapi(check, (c) => {
    const { expression, for: place, stages } = c.req.valid('json');
    return c.json(checkExpression(expression, place, stages) as Checked, 200);
  });
  const evaluate = createRoute({
    method: 'post',
    path: '/api/v1/expressions/eval',
    summary: 'What it comes to with given variables, and the value of each part',
    middleware: needs('viewer'),
    request: { body: body(contract.evalSchema) },
    responses: { 200: json(contract.evaluatedSchema, 'The value'), 400: PROBLEM },
  });
  app.openapi(evaluate, async (c) => {
    const { expression, for: place, variables } = c.req.valid('json');
    const result = await evaluateExpression(expression, place, variables, hostname());
    return 'trouble' in result ? problem(c, 400, result.trouble) : c.json(result as Evaluated, 200);
  });
  const words = createRoute({
    method: 'get',
    path: '/api/v1/expressions/language',
    summary: 'Variables and functions with their signatures',
    middleware: needs('viewer'),
    responses: { 200: json(contract.languageSchema, 'The language') },
  });
  app.openapi(words, (c) => c.json(language() as Language, 200));
}
