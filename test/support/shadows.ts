import type { ModelBucket } from "../../scripts/local-worker.ts";
import type { ShadowEvent } from "../../src/domain/event.ts";
import { NO_ROUTING } from "../../src/domain/routing.ts";
import { applyChange, type RoutingChange } from "../../src/domain/routing-change.ts";
import { routingKey } from "../../src/storage/model-keys.ts";
import { poll } from "./poll.ts";
import type { Service } from "./service.ts";

export interface ShadowRoute {
  readonly alias?: string;
  readonly version?: string;
  readonly shadow?: string;
  readonly sample?: number;
}

/** Routes an alias of a model to its version 1, with the version 2 as its shadow, unless said otherwise. */
export async function routeWithShadow(
  bucket: ModelBucket,
  model: string,
  { alias = "default", version = "1", shadow = "2", sample = 1 }: ShadowRoute = {},
): Promise<void> {
  const changes: RoutingChange[] = [
    { action: "alias", alias, split: [{ version, weight: 1 }] },
    { action: "shadow", alias, shadow: { version: shadow, sample } },
  ];
  const routing = changes.reduce(
    (before, change) => applyChange(before, change, { model, by: "test", now: 0 }),
    NO_ROUTING,
  );
  await bucket.put(routingKey(model), JSON.stringify(routing));
}

/** The events of copies so far, of one request or of all. */
export function shadowEvents({ logs }: Pick<Service, "logs">, requestId?: string): ShadowEvent[] {
  return logs
    .filter(({ message }) => message.startsWith('{"event":"shadow"'))
    .map(({ message }): ShadowEvent => JSON.parse(message))
    .filter((event) => requestId === undefined || event.requestId === requestId);
}

/** Waits for the events of the copies of a request. */
export function shadowEventsOf(
  service: Pick<Service, "logs">,
  requestId: string,
  count = 1,
): Promise<ShadowEvent[]> {
  return poll(`events of ${count} copies of ${requestId}`, async () => {
    const events = shadowEvents(service, requestId);
    return events.length >= count ? events : undefined;
  });
}

/** Waits for the event of the only copy of a request. */
export async function shadowEventOf(
  service: Pick<Service, "logs">,
  requestId: string,
): Promise<ShadowEvent> {
  const [event, ...others] = await shadowEventsOf(service, requestId);
  if (!event || others.length > 0) throw new Error(`${requestId} has been copied more than once`);
  return event;
}
