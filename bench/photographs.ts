import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import decode, { init as initDecoder } from "@jsquash/jpeg/decode.js";
import encode, { init as initEncoder } from "@jsquash/jpeg/encode.js";
import { projectPath } from "../scripts/project.ts";
import { createRaster } from "../src/tasks/image/raster.ts";
import { resample } from "../src/tasks/image/resample.ts";

/** A test fixture: a photograph of a cup of coffee, 300 x 200 pixels. */
const PHOTOGRAPH = projectPath("test", "fixtures", "images", "coffee.jpg");

/** The photograph as a JPEG file of another size, with noise added so that its file size is that of a camera image. */
export async function readPhotograph(width: number, height: number): Promise<Uint8Array> {
  const file = readFileSync(PHOTOGRAPH);
  await (initDecoder as Init)(compile("@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm"));
  await (initEncoder as Init)(compile("@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm"));
  const small = await decode(file.buffer.slice(file.byteOffset, file.byteOffset + file.length));
  const pixels = new Uint8Array(small.data.buffer);
  const raster = createRaster(pixels, small.width, small.height, 4);
  const part = { left: 0, top: 0, width, height };
  const large = resample(raster, 3, "bicubic", width, height, part);
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  let state = 1;
  for (let pixel = 0; pixel < width * height; pixel++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const noise = (state >>> 29) - 3;
    for (let channel = 0; channel < 3; channel++)
      data[pixel * 4 + channel] = (large[pixel * 3 + channel] ?? 0) + noise;
  }
  const image = { data, width, height, colorSpace: "srgb" as const };
  return new Uint8Array(await encode(image, { quality: 85, progressive: false }));
}

/** The package declares only the signature that takes options, not the one that takes a module. */
type Init = (module: WebAssembly.Module) => Promise<void>;

function compile(path: string): WebAssembly.Module {
  const bytes = readFileSync(createRequire(import.meta.url).resolve(path));
  return Reflect.construct(WebAssembly.Module, [bytes]);
}
