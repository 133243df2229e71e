/** The filters of the configuration as the stages want them. */
import type { Environment, Value } from '#expressions';
import type { FilterSettings } from '#stages';
import type { MilterConfig } from '#gateway/config';

/** Settings for the chain, in configured order. */
export function filtersOf(
  milters: readonly MilterConfig[],
  environment: (variable: (name: string) => Value) => Environment,
): readonly FilterSettings[] {
  return milters.map((milter) => {
    const { name, stages, enable, input, onError, ...client } = milter;
    return {
      name,
      stages,
      input,
      onError,
      enable: { constant: enable.constant, holds: (variable) => enable.holds(environment(variable)) },
      client,
    };
  });
}
