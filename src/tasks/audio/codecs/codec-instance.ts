import { type AudioCodec, codecModule } from "./codec-files.ts";

type Call = (...parameters: number[]) => number;

/** The names that each file has for what is used of it: the minified ones of the versions in package.json. */
const NAMES = {
  mpg123: {
    memory: "k",
    start: "l",
    malloc: "m",
    free: "n",
    functions: { create: "p", feed: "q", read: "r" },
  },
  flac: {
    memory: "j",
    start: "k",
    malloc: "m",
    free: "l",
    functions: { create: "n", decode: "p" },
  },
  vorbis: {
    memory: "l",
    start: "m",
    malloc: "o",
    free: "t",
    functions: { create: "n", setup: "p", start: "q", decode: "r" },
  },
  opus: {
    memory: "g",
    start: "h",
    malloc: "j",
    free: "m",
    functions: { create: "i", decode: "k" },
  },
} as const;

/** Imports that compute; all others are of files and timers, which decoders of memory do not need. */
const MATH: Partial<
  Record<AudioCodec, Readonly<Record<string, (x: number, y: number) => number>>>
> = {
  vorbis: { a: Math.cos, b: Math.atan, c: Math.sin, g: Math.pow, h: Math.log, i: Math.exp },
  opus: { a: Math.cos },
};

/** One instance of a decoder's wasm, whose memory has a fixed size. */
export interface CodecInstance<C extends AudioCodec = AudioCodec> {
  readonly memoryBytes: number;
  readonly functions: Readonly<Record<keyof (typeof NAMES)[C]["functions"], Call>>;
  /** Makes its memory what it was before the first file: what decoders leave behind would fill it. */
  reset(): void;
  /** @throws Error when its memory is full */
  allocate(bytes: number): number;
  free(pointer: number): void;
  bytes(pointer: number, length: number): Uint8Array;
  floats(pointer: number, length: number): Float32Array;
  integers(pointer: number, length: number): Uint32Array;
}

export function createCodecInstance<C extends AudioCodec>(codec: C): CodecInstance<C> {
  const wasm = codecModule(codec);
  const imports: Record<string, (x: number, y: number) => number> = {};
  for (const { name } of WebAssembly.Module.imports(wasm))
    imports[name] = MATH[codec]?.[name] ?? (() => 0);
  const { exports } = new WebAssembly.Instance(wasm, { a: imports });
  const names = NAMES[codec];
  const call = (name: string): Call => exports[name] as Call;
  const { buffer } = exports[names.memory] as WebAssembly.Memory;
  call(names.start)();
  const malloc = call(names.malloc);
  const all = new Uint8Array(buffer);
  const initial = all.slice(0, all.findLastIndex((byte) => byte !== 0) + 1);
  return {
    memoryBytes: buffer.byteLength,
    functions: Object.fromEntries(
      Object.entries(names.functions).map(([name, short]) => [name, call(short)]),
    ) as CodecInstance<C>["functions"],
    reset() {
      all.fill(0, initial.length);
      all.set(initial);
    },
    allocate(bytes) {
      const pointer = malloc(Math.max(1, bytes));
      if (pointer === 0) throw new Error(`the decoder ${codec} has no memory for ${bytes} bytes`);
      return pointer;
    },
    free: call(names.free),
    bytes: (pointer, length) => new Uint8Array(buffer, pointer, length),
    floats: (pointer, length) => new Float32Array(buffer, pointer, length),
    integers: (pointer, length) => new Uint32Array(buffer, pointer, length),
  };
}
