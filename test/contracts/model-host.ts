import { describe } from "vitest";
import type { HostClient } from "../support/hosts.ts";
import { testHostErrors } from "./model-host/errors.ts";
import { testHostLoads } from "./model-host/loads.ts";
import { testHostMembers } from "./model-host/members.ts";
import { testHostModels } from "./model-host/models.ts";
import { testHostStreams } from "./model-host/streams.ts";
import { testHostTasks } from "./model-host/tasks.ts";
import { testHostTensors } from "./model-host/tensors.ts";

/**
 * The contract of every {@link ModelHost}, in workerd, with models in R2.
 * @param hostOf the host, which may have been used by other tests
 */
export function testModelHost(hostOf: () => HostClient): void {
  describe("loads", () => testHostLoads(hostOf));
  describe("members", () => testHostMembers(hostOf));
  describe("tensors", () => testHostTensors(hostOf));
  describe("errors", () => testHostErrors(hostOf));
  describe("tasks", () => testHostTasks(hostOf));
  describe("streams", () => testHostStreams(hostOf));
  describe("models", () => testHostModels(hostOf));
}
