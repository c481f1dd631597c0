import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type FolderModel,
  readModelFile,
  readModelFolder,
} from "../packages/cli/src/local/model-folder.ts";
import { exitWith, reason, UserError } from "../packages/cli/src/local/user-error.ts";
import { memberModel } from "../src/domain/member-models.ts";
import type { Tensor } from "../src/domain/tensor.ts";
import type { OrtInstance as Instance } from "../src/runtime/ort-instance.ts";
import { projectPath } from "./project.ts";
import { emulateWorker } from "./worker-modules.ts";

/**
 * `node scripts/bootstrap.mjs scripts/measure-models.ts [model...]`: measures heap and load time of the models
 * in models/, and writes them to recipes/measured.json, from which the recipes copy them into the manifests.
 *
 * heapBytes  the smallest heap, to 64 KiB, in which the model loads and runs its test fixture, without
 *            the engine itself; found by bisection and deterministic. A model beside the main one,
 *            `name/member`, runs zeros of the shapes that the fixture gives for it
 * loadMs     from bytes to session in a fresh instance, the median of seven
 */
interface Measurement {
  sha256: string;
  heapBytes: number;
  loadMs: number;
}

const FILE = projectPath("recipes", "measured.json");
const HEAP_STEP_BYTES = 65_536;
const MAX_HEAP_BYTES = 268_435_456;
const LOADS = 7;
const TO_ARRAY = {
  FP32: (values: number[]) => Float32Array.from(values),
  INT64: (values: number[]) => BigInt64Array.from(values, BigInt),
};

emulateWorker();
const { OrtInstance } = await import("../src/runtime/ort-instance.ts");
const { OrtSession } = await import("../src/runtime/ort-session.ts");

await measureAll(process.argv.slice(2)).catch(exitWith);

async function measureAll(names: readonly string[]): Promise<void> {
  const models = readModelFolder(projectPath("models"));
  const previous = readMeasurements();
  const measured: Record<string, Measurement> = {};
  for (const model of models) {
    const { name } = model.manifest;
    const selected = names.length === 0 || names.includes(name);
    const { inputs, members = {} } = readFixture(name);
    const runs = [
      { key: name, member: undefined, inputs: inputs.map(toTensor) },
      ...Object.entries(members).map(([member, shapes]) => ({
        key: `${name}/${member}`,
        member,
        inputs: Object.entries(shapes).map(toZeros),
      })),
    ];
    for (const { key, member, inputs } of runs) {
      const measurement = selected ? await measure(model, member, inputs) : previous[key];
      if (measurement) measured[key] = measurement;
      if (selected) console.log(`${key}: ${JSON.stringify(measurement)}`);
    }
  }
  const unknown = names.filter((name) => models.every(({ manifest }) => manifest.name !== name));
  if (unknown.length > 0) throw new UserError(`no model ${unknown.join(", ")} in models/`);
  writeFileSync(FILE, `${JSON.stringify(measured, null, 2)}\n`);
}

function readMeasurements(): Record<string, Measurement> {
  try {
    return JSON.parse(readFileSync(FILE, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new UserError(`${FILE} can't be read: ${reason(error)}`);
  }
}

async function measure(
  model: FolderModel,
  member: string | undefined,
  inputs: readonly Tensor[],
): Promise<Measurement> {
  const { format, runtime, file, outputs: specs } = memberModel(model.manifest, member);
  const bytes = readModelFile(model, file);
  const load = (instance: Instance) => {
    const address = instance.allocate(bytes.byteLength);
    instance.heap.set(bytes, address);
    return new OrtSession(instance, address, bytes.byteLength, { format, ...runtime });
  };
  const outputs = specs.map(({ name }) => name);
  const fits = async (heapBytes: number): Promise<boolean> => {
    const instance = await instanceWithFree(heapBytes);
    try {
      load(instance).run(inputs, outputs);
      return true;
    } catch {
      return false;
    }
  };
  let [tooLittle, enough] = [0, MAX_HEAP_BYTES];
  if (!(await fits(enough)))
    throw new UserError(
      `${file} of ${model.manifest.name} does not load and run within ${enough} bytes of heap`,
    );
  while (enough - tooLittle > HEAP_STEP_BYTES) {
    const middle = (tooLittle + enough) / 2;
    if (await fits(middle)) enough = middle;
    else tooLittle = middle;
  }
  const times: number[] = [];
  for (let i = 0; i < LOADS; i++) {
    const instance = await OrtInstance.create(() => true);
    const started = performance.now();
    load(instance);
    times.push(performance.now() - started);
  }
  const loadMs = times.sort((a, b) => a - b)[Math.floor(LOADS / 2)] ?? 0;
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { sha256, heapBytes: enough, loadMs: Number(loadMs.toPrecision(2)) };
}

/** An instance whose largest free block has `heapBytes` and whose memory cannot grow. */
async function instanceWithFree(heapBytes: number): Promise<Instance> {
  let mayGrow = true;
  const instance = await OrtInstance.create(() => mayGrow);
  const { module } = instance;
  module._free(instance.allocate(MAX_HEAP_BYTES));
  mayGrow = false;
  let [possible, impossible] = [MAX_HEAP_BYTES, instance.memoryBytes];
  while (impossible - possible > 1024) {
    const middle = Math.floor((possible + impossible) / 2);
    const address = module._malloc(middle);
    if (address === 0) impossible = middle;
    else possible = middle;
    module._free(address);
  }
  const ballast = possible - heapBytes;
  if (ballast > 0) instance.allocate(ballast);
  return instance;
}

interface Fixture {
  inputs: FixtureTensor[];
  /** For models beside the main one the shapes of their inputs, which are FP32. */
  members?: Record<string, Record<string, number[]>>;
}

function readFixture(model: string): Fixture {
  const file = join("test", "fixtures", "expected", `${model}.json`);
  return JSON.parse(readFileSync(projectPath(file), "utf8"));
}

function toTensor({ name, datatype, shape, data, dataBase64 }: FixtureTensor): Tensor {
  if (dataBase64 !== undefined)
    return { name, datatype, shape, data: new Uint8Array(Buffer.from(dataBase64, "base64")) };
  return { name, datatype, shape, data: new Uint8Array(TO_ARRAY[datatype](data).buffer) };
}

function toZeros([name, shape]: [string, number[]]): Tensor {
  const elements = shape.reduce((product, size) => product * size, 1);
  return { name, datatype: "FP32", shape, data: new Uint8Array(elements * 4) };
}

interface FixtureTensor {
  name: string;
  datatype: keyof typeof TO_ARRAY;
  shape: number[];
  data: number[];
  /** Little-endian bytes, used when the values are too long as JSON. */
  dataBase64?: string;
}
