import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { testModelHost } from "../../contracts/model-host.ts";
import { sum } from "../../support/awkward-models.ts";
import { HostClient, type HostsService, numeric, startHosts } from "../../support/hosts.ts";

import { store } from "../../support/stored-model.ts";

/** Each host in workerd, with real R2, a real Worker Loader and the real engine. */

let service: HostsService;

beforeAll(async () => {
  service = await startHosts("tasks");
});

afterAll(() => service?.dispose());

describe.each(["cells", "isolates", "placed"] as const)("%s", (host) => {
  testModelHost(() => new HostClient(host, service));
});

test("first calls from two isolates of the Worker make one load", async () => {
  const name = "from-two-isolates";
  await store(service.bucket, name, { ...sum(1), name });
  const tensors = [numeric("x", "FP32", [1], [1])];
  const hosts = ["isolates", "isolates-again", "isolates", "isolates-again"] as const;
  const answers = await Promise.all(
    hosts.map((host) => service.call(host, "infer", { name, tensors })),
  );
  for (const answer of answers) expect(answer.tensors).toEqual([numeric("y", "FP32", [1], [2])]);
  for (const host of hosts)
    expect(await new HostClient(host, service).statsOf(name)).toMatchObject({ loads: 1 });
});
