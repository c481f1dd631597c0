import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { afterEach, describe, expect, test, vi } from "vitest";
import packageJson from "../../../package.json" with { type: "json" };
import {
  instantiateOrtModule,
  ORT_ENTRY_POINTS,
  type OrtModule,
} from "../../../src/runtime/ort-module.ts";

/** The undocumented module inside onnxruntime-web, in Node, as the package ships it. */

type Factory = (options: object) => Promise<OrtModule>;

const GLUE = "onnxruntime-web/ort-wasm-simd-threaded.mjs";

test("the version is pinned, and it is the one installed", () => {
  const pinned = packageJson.dependencies["onnxruntime-web"];
  expect(pinned).toMatch(/^\d+\.\d+\.\d+$/);
  const { resolve } = createRequire(import.meta.url);
  const folder = resolve("onnxruntime-web/ort-wasm-simd-threaded.wasm").split("/dist/")[0];
  expect(JSON.parse(readFileSync(`${folder}/package.json`, "utf8")).version).toBe(pinned);
});

describe("the module", () => {
  test("has every entry point, and starts", async () => {
    const { module, memory } = await instantiateOrtModule();
    const types = ORT_ENTRY_POINTS.map((name) => [name, typeof module[name]]);
    expect(types).toEqual(ORT_ENTRY_POINTS.map((name) => [name, "function"]));
    expect(memory.buffer.byteLength).toBe(16 * 2 ** 20);
    expect(module._OrtInit(1, 3)).toBe(0);
  });
});

describe("a module that has changed", () => {
  afterEach(() => {
    vi.doUnmock(GLUE);
    vi.resetModules();
  });

  test("is refused with the names that are missing", async () => {
    const { default: factory } = await vi.importActual<{ default: Factory }>(GLUE);
    vi.doMock(GLUE, () => ({
      default: async (options: object) => {
        const { _OrtRun, stackAlloc, ...others } = await factory(options);
        return others;
      },
    }));
    vi.resetModules();
    const changed = await import("../../../src/runtime/ort-module.ts");
    await expect(changed.instantiateOrtModule()).rejects.toThrow(
      "onnxruntime-web's wasm module has changed: _OrtRun, stackAlloc is missing. This build needs the version pinned in package.json.",
    );
  });
});
