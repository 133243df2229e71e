/** Settings as YAML to paste, where the file cannot be written from here. Pure; texts are quoted as JSON, which YAML is. */
import type { MilterSettings } from '../api/shapes.ts';

export function yamlOf(settings: MilterSettings): string {
  const lines = Object.entries(settings).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  return `milters:\n  - ${lines.length === 0 ? '{}' : lines.join('\n    ')}\n`;
}
