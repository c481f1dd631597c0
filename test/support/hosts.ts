import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject } from "vitest";
import type { Datatype } from "../../src/domain/datatype.ts";
import { NUMERIC_DATATYPES } from "../../src/domain/datatype.ts";
import type { IsolateStats } from "../../src/domain/model-host.ts";
import type { TestTaskState } from "../workerd/isolates/test-task.ts";
import type { HostAnswer, HostCall, TestTensor } from "../workerd/workers/hosts/call.ts";
import type { HostName } from "../workerd/workers/hosts/index.ts";
import type { TestWorker } from "../workerd/workers/index.ts";
import { type AdministeredService, startAdministeredService } from "./administration.ts";
import type { TestIsolate } from "./global-setup.ts";

/** The hosts of test/workerd/workers/hosts, whose models' isolates have the code of test/workerd/isolates. */
export interface HostsService extends AdministeredService {
  call(host: HostName, method: string, asked: HostCall): Promise<HostAnswer>;
}

export async function startHosts(
  isolate: TestIsolate,
  vars: Readonly<Record<string, string>> = {},
): Promise<HostsService> {
  const service = await startAdministeredService({
    outdir: inject("testWorkersBuild"),
    vars: {
      TEST_WORKER: "hosts" satisfies TestWorker,
      ISOLATE: readFileSync(join(inject("testIsolatesBuild"), `${isolate}.txt`), "utf8"),
      ...vars,
    },
  });
  return {
    ...service,
    async call(host, method, asked) {
      const { status, body } = await service.post(`/hosts/${host}/${method}`, asked);
      expect([status, body]).toMatchObject([200, {}]);
      return body as HostAnswer;
    },
  };
}

/** A host, with the methods as a test uses them. */
export class HostClient {
  readonly name: HostName;
  readonly service: HostsService;

  constructor(name: HostName, service: HostsService) {
    this.name = name;
    this.service = service;
  }

  call(method: string, asked: HostCall): Promise<HostAnswer> {
    return this.service.call(this.name, method, asked);
  }

  infer(asked: HostCall): Promise<HostAnswer> {
    return this.call("infer", asked);
  }

  execute(asked: HostCall): Promise<HostAnswer> {
    return this.call("execute", asked);
  }

  /** The whole result of a task. */
  async value(asked: HostCall): Promise<unknown> {
    const { json, error } = await this.execute(asked);
    expect(error).toBeUndefined();
    return JSON.parse(json ?? "null");
  }

  async state(name: string, version?: string): Promise<HostAnswer["state"]> {
    return (await this.call("state", { name, ...(version && { version }) })).state;
  }

  async taskState(name: string): Promise<TestTaskState> {
    return (await this.value({ name, parameters: { do: "state" } })) as TestTaskState;
  }

  /** The statistics of the isolate in which a model is loaded. */
  async statsOf(name: string): Promise<IsolateStats | undefined> {
    const { stats = [] } = await this.call("stats", { name });
    return stats.find(({ cells }) =>
      cells.some(({ models }) => models.some((model) => model.name === name)),
    );
  }
}

/** A tensor of numbers, in JSON. */
export function numeric(
  name: string,
  datatype: Exclude<Datatype, "BYTES">,
  shape: readonly number[],
  values: readonly (number | bigint)[],
): TestTensor {
  const { array, kind, elementBytes } = NUMERIC_DATATYPES[datatype];
  const bytes = new ArrayBuffer(values.length * elementBytes);
  const typed = new array(bytes, 0, values.length);
  for (const [index, value] of values.entries())
    typed[index] = (kind === "bigint" ? BigInt(value) : Number(value)) as never;
  return { name, datatype, shape, data: Buffer.from(bytes).toString("base64") };
}

/** The numbers of a tensor. */
export function numbersOf({ name, datatype, data }: TestTensor): number[] {
  if (datatype === "BYTES" || typeof data !== "string")
    throw new Error(`${name} has no numbers in JSON`);
  const { array, elementBytes } = NUMERIC_DATATYPES[datatype];
  const bytes = Uint8Array.from(Buffer.from(data, "base64"));
  return Array.from(new array(bytes.buffer, 0, bytes.length / elementBytes), Number);
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
