import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type FolderModel, readModelFile } from "../../packages/cli/src/local/model-folder.ts";
import { type Call, createCall } from "../../src/domain/call.ts";
import type { ModelHost } from "../../src/domain/model-host.ts";
import type { ModelFiles } from "../../src/domain/ports.ts";
import type { ExplainedVersion } from "../../src/explain/explained-version.ts";
import { createCellHost } from "../../src/hosts/cell-host.ts";
import { createModelPool } from "../../src/runtime/model-pool.ts";
import { createBudgetedDecoder } from "../../src/tasks/image/budgeted-decoder.ts";
import { createBlocks, createTask } from "../../src/tasks/registry.ts";

/** A version of `models/` with its task, run in cells in Node, whose rows are counted. */
export interface ServedVersion extends ExplainedVersion {
  /** Rows that the model was run for. */
  readonly rows: number;
}

const BUDGET_BYTES = 512 * 2 ** 20;

export function servedVersion(
  model: FolderModel,
  { call = createCall() }: { readonly call?: Call } = {},
): ServedVersion {
  const { manifest, folder } = model;
  const runtime = createModelPool({ budgetBytes: BUDGET_BYTES });
  const tools = { decodeImage: createBudgetedDecoder(runtime) };
  const readFile = async (path: string) => readModelFile(model, path);
  const files: ModelFiles = {
    file: async (_, path) => {
      const bytes = new Uint8Array(readFileSync(join(folder, path)));
      return { sizeBytes: bytes.byteLength, body: new Blob([bytes]).stream() };
    },
  };
  const host: ModelHost = createCellHost({
    runtime,
    createTask: (of, read) => createTask(of, read, tools),
  })(files);
  const published = { ...manifest, manifest, revision: "1", versions: [manifest.version] };
  let rows = 0;
  let blocks: ReturnType<typeof createBlocks> | undefined;
  return {
    model: published,
    call,
    get rows() {
      return rows;
    },
    infer(inputs, outputs, count, member) {
      rows += count;
      return host.infer({ model: published, member, inputs, outputs }, call);
    },
    execute(request, count) {
      rows += count;
      return host.execute({ ...request, model: published }, call);
    },
    blocks: () => {
      blocks ??= createBlocks(manifest, readFile, tools);
      return blocks;
    },
    background: async () => undefined,
    readFile,
  };
}
