import { afterAll, beforeAll, describe } from "vitest";
import { testModelHost } from "../../contracts/model-host.ts";
import { HostClient, type HostsService, startHosts } from "../../support/hosts.ts";

/** Each host in workerd, with real R2, a real Worker Loader and the real engine. */

let service: HostsService;

beforeAll(async () => {
  service = await startHosts("tasks");
});

afterAll(() => service?.dispose());

describe.each(["cells", "isolates", "placed"] as const)("%s", (host) => {
  testModelHost(() => new HostClient(host, service));
});
