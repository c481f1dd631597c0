import { afterAll } from "vitest";
import { type AdministeredService, startAdministeredService } from "./administration.ts";
import { disclosing, findModel, publishAs } from "./publish.ts";

/** Each takes 200 MB and more, and a file may use ten kinds. */
const MAX_RUNNING = 6;

/**
 * A service with those `vars` and with these models of `models/` published, none of them in memory. Their responses tell
 * every client how the cache was used.
 */
export type StartService = (
  vars: Readonly<Record<string, string>>,
  models?: readonly string[],
) => Promise<AdministeredService>;

/**
 * Services of one test file: a test gets the service that ran before with the same `vars`, with empty
 * caches and no model in memory. Counters continue, and published models remain.
 */
export function shareServices(): StartService {
  /** By their `vars`, least recently used first. */
  const running = new Map<string, AdministeredService>();

  afterAll(async () => {
    await Promise.all([...running.values()].map((service) => service.dispose()));
  });

  async function find(vars: Readonly<Record<string, string>>): Promise<AdministeredService> {
    const key = JSON.stringify(vars);
    const existing = running.get(key);
    if (existing) {
      running.delete(key);
      running.set(key, existing);
      await existing.administer("/cache/purge", { method: "POST", body: '{"all":true}' });
      await existing.unloadAll();
      return existing;
    }
    const [oldest] = running;
    if (oldest && running.size >= MAX_RUNNING) {
      running.delete(oldest[0]);
      await oldest[1].dispose();
    }
    const service = await startAdministeredService({ vars });
    running.set(key, service);
    return service;
  }

  return async (vars, models = []) => {
    const service = await find(vars);
    for (const name of models) {
      const model = disclosing(findModel(name));
      await publishAs(service.bucket, model, model.manifest);
    }
    return service;
  };
}
