import { describe, expect, test, vi } from "vitest";
import { createCall } from "../../../src/domain/call.ts";
import { ApiError, type ErrorCode } from "../../../src/domain/errors.ts";
import type { Manifest } from "../../../src/domain/manifest.ts";
import type { CandidateModel, ModelHost } from "../../../src/domain/model-host.ts";
import type { Placement } from "../../../src/domain/placement.ts";
import { createPlacedHost } from "../../../src/hosts/placed-host.ts";
import { createManifest } from "../../support/cache-harness.ts";
import { rejectedApiError } from "../../support/errors.ts";

/** Which of two hosts gets a version; what they do with it is the matter of their contract. */

const MIB = 1_048_576;
const RULES = { placement: "auto" as Placement, ownFromBytes: 16 * MIB };

interface Hosts {
  readonly host: ModelHost;
  readonly used: string[];
  readonly hasOwnIsolate: (name: string) => boolean;
}

/** Hosts that say who was asked. `failure` is what the cells fail with. */
function createHosts(rules = RULES, failure?: ErrorCode): Hosts {
  const used: string[] = [];
  const hostOf = (name: string, code?: ErrorCode): ModelHost => {
    const answer = async () => {
      used.push(name);
      if (code) throw new ApiError(code, "It does not fit.");
    };
    const methods = { infer: answer, execute: answer, load: answer, describe: answer };
    return { ...methods, unload: answer, state: answer } as unknown as ModelHost;
  };
  const placed = createPlacedHost({
    cells: hostOf("cells", failure),
    isolates: hostOf("isolates"),
    rules,
  });
  return { ...placed, used };
}

function manifestOf(runtime: Partial<Manifest["runtime"]>, sizeBytes = 1000): Manifest {
  const manifest = createManifest();
  const files = manifest.files.map((file) => ({ ...file, sizeBytes }));
  return { ...manifest, files, runtime: { prepack: true, warmUp: false, ...runtime } };
}

async function load({ host }: Hosts, manifest: Manifest): Promise<void> {
  const { name, version } = manifest;
  await host.load({ name, version, versions: [version], revision: "1", manifest }, vi.fn());
}

describe("a version", () => {
  test.each<[string, Manifest, Placement, expected: string]>([
    ["of little heap", manifestOf({ heapBytes: 16 * MIB }), "auto", "cells"],
    ["of much heap", manifestOf({ heapBytes: 16 * MIB + 1 }), "auto", "isolates"],
    ["of a small file without a measurement", manifestOf({}, 3 * MIB), "auto", "cells"],
    ["of a large file without a measurement", manifestOf({}, 5 * MIB), "auto", "isolates"],
    ["of a large file and little heap", manifestOf({ heapBytes: MIB }, 40 * MIB), "auto", "cells"],
    ["of much heap", manifestOf({ heapBytes: 50 * MIB }), "shared", "cells"],
    ["of little heap", manifestOf({ heapBytes: MIB }), "own", "isolates"],
    ["that says own", manifestOf({ placement: "own" }), "shared", "isolates"],
    ["that says shared", manifestOf({ heapBytes: 50 * MIB, placement: "shared" }), "own", "cells"],
    ["that says auto", manifestOf({ placement: "auto" }), "own", "cells"],
  ])("%s, where the setting is %s, runs in the right place", async (_, manifest, placement, to) => {
    const hosts = createHosts({ ...RULES, placement });
    await load(hosts, manifest);
    expect(hosts.used).toEqual([to]);
    expect(hosts.hasOwnIsolate(manifest.name)).toBe(to === "isolates");
  });

  test.each<ErrorCode>(["out_of_memory", "model_too_large"])(
    "that fails with %s in shared memory gets an isolate of its own from then on",
    async (code) => {
      const hosts = createHosts(RULES, code);
      const manifest = manifestOf({});
      await load(hosts, manifest);
      await load(hosts, manifest);
      expect(hosts.used).toEqual(["cells", "isolates", "isolates"]);
      expect(hosts.hasOwnIsolate(manifest.name)).toBe(true);
    },
  );

  test.each<[string, Manifest, ErrorCode]>([
    ["that says shared", manifestOf({ placement: "shared" }), "out_of_memory"],
    ["whose file is corrupt", manifestOf({}), "model_corrupt"],
  ])("%s stays in shared memory when it fails there", async (_, manifest, code) => {
    const hosts = createHosts(RULES, code);
    await rejectedApiError(code, load(hosts, manifest));
    expect(hosts.used).toEqual(["cells"]);
  });
});

test("a model of which one version runs in shared memory has no isolate of its own", async () => {
  const own = { ...manifestOf({ placement: "own" }), version: "2" };
  const hosts = createHosts();
  expect(hosts.hasOwnIsolate(own.name)).toBe(false);
  await load(hosts, own);
  expect(hosts.hasOwnIsolate(own.name)).toBe(true);
  await load(hosts, manifestOf({ placement: "shared" }));
  expect(hosts.hasOwnIsolate(own.name)).toBe(false);
});

describe("a file that is not published yet", () => {
  function candidateOf(sizeBytes: number, format: "onnx" | "ort" = "onnx"): CandidateModel {
    const id = { name: "new", version: "1" };
    return { id, path: "model.onnx", format, sizeBytes, sha256: "0".repeat(64) };
  }

  test.each<[string, CandidateModel, expected: string]>([
    ["small", candidateOf(MIB), "cells"],
    ["large", candidateOf(5 * MIB), "isolates"],
    ["of 5 MiB in ORT format", candidateOf(5 * MIB, "ort"), "cells"],
  ])("that is %s is described in the right place", async (_, candidate, expected) => {
    const hosts = createHosts();
    await hosts.host.describe(candidate, vi.fn());
    expect(hosts.used).toEqual([expected]);
  });

  test("that does not fit in shared memory is described in an isolate of its own", async () => {
    const hosts = createHosts(RULES, "out_of_memory");
    await hosts.host.describe(candidateOf(MIB), vi.fn());
    expect(hosts.used).toEqual(["cells", "isolates"]);
  });
});

test("a request is sent again with all that it had", async () => {
  const asked: unknown[] = [];
  const cells = {
    execute: async () => {
      throw new ApiError("out_of_memory", "It does not fit.");
    },
  };
  const isolates = { execute: async (request: unknown) => asked.push(request) };
  const { host } = createPlacedHost({
    cells: cells as unknown as ModelHost,
    isolates: isolates as unknown as ModelHost,
    rules: RULES,
  });
  const manifest = manifestOf({});
  const model = { name: "echo", version: "1", versions: ["1"], revision: "1", manifest };
  const request = { model, inputs: ["a"], parameters: { top_k: 1 } };
  await host.execute(request, createCall());
  expect(asked).toEqual([request]);
});
