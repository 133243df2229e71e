/** Counts the evaluations of conditions. Nothing of an expression or of what it was asked about becomes a label. */
import type { Cell } from './cells.ts';
import type { Figures } from './figures.ts';

/** What a condition is for. */
export type ConditionField = 'enable' | 'route';

/** The figures of one field. */
export class ExpressionFigures {
  readonly #figures: Figures;
  readonly #field: ConditionField;
  readonly #true: Cell;
  readonly #false: Cell;

  constructor(figures: Figures, field: ConditionField) {
    this.#figures = figures;
    this.#field = field;
    const results = figures.number('expression_evaluations_total');
    this.#true = results.cell(field, 'true');
    this.#false = results.cell(field, 'false');
  }

  /** Evaluates, counts, and gives (or throws) what came of it. */
  evaluated<T extends boolean | Promise<boolean>>(evaluate: () => T): T {
    let holds: T;
    try {
      holds = evaluate();
    } catch (error) {
      this.#failed(error);
      throw error;
    }
    if (holds instanceof Promise)
      holds.then(
        (yes) => this.#ended(yes),
        (error: unknown) => this.#failed(error),
      );
    else this.#ended(holds);
    return holds;
  }

  #ended(holds: boolean): void {
    (holds ? this.#true : this.#false).n++;
  }

  #failed(error: unknown): void {
    const code = (error as { code?: unknown }).code;
    const known = typeof code === 'string' && code.startsWith('expression-') ? code : 'fault';
    this.#figures.number('expression_errors_total').cell(this.#field, known).n++;
    this.#figures.number('expression_evaluations_total').cell(this.#field, 'error').n++;
  }
}
