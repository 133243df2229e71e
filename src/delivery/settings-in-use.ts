/** Settings that may be replaced while entries are under way: each entry ends with those it began with, then old agents are closed. */
import type { Agent } from './agent.ts';
import type { DeliverySettings } from './options.ts';

/** See above. */
export class SettingsInUse {
  #current: DeliverySettings;
  /** Entries under way by the settings they began with; holds the current ones always. */
  readonly #users = new Map<DeliverySettings, number>();

  constructor(settings: DeliverySettings) {
    this.#current = settings;
    this.#users.set(settings, 0);
  }

  get current(): DeliverySettings {
    return this.#current;
  }

  /** An entry begins; give the result back to `leave`. */
  enter(): DeliverySettings {
    this.#users.set(this.#current, this.#users.get(this.#current)! + 1);
    return this.#current;
  }

  leave(settings: DeliverySettings): void {
    this.#users.set(settings, this.#users.get(settings)! - 1);
    this.#retire(settings);
  }

  replace(settings: DeliverySettings): void {
    const before = this.#current;
    if (settings === before) return;
    this.#current = settings;
    this.#users.set(settings, this.#users.get(settings) ?? 0);
    this.#retire(before);
  }

  /** Closes every agent there is. */
  async closeAll(): Promise<void> {
    const agents = new Set([...this.#users.keys()].flatMap(agentsOf));
    await Promise.allSettled([...agents].map((a) => a.close()));
  }

  /** Forgets settings that nobody uses and closes those of their agents that no other settings have. */
  #retire(settings: DeliverySettings): void {
    if (settings === this.#current || this.#users.get(settings) !== 0) return;
    this.#users.delete(settings);
    const kept = new Set([...this.#users.keys()].flatMap(agentsOf));
    for (const agent of new Set(agentsOf(settings))) if (!kept.has(agent)) void agent.close().catch(() => {});
  }
}

function agentsOf(settings: DeliverySettings): Agent[] {
  return settings.routes.map((r) => r.agent);
}
