import { type Codec, CodecError, type UsePixels } from "./codec.ts";

/** The function that an emscripten file of @jsquash exports, as far as it is used here. */
export type EmscriptenFactory = (options: {
  noInitialRun: boolean;
  locateFile(path: string): string;
  print(line: string): void;
  printErr(line: string): void;
  instantiateWasm(
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance) => void,
  ): WebAssembly.Exports;
}) => Promise<{ decode(...parameters: readonly [Uint8Array, ...unknown[]]): object | null }>;

/** What receives the pixels of the call in progress. */
let receive: UsePixels<void> = ignore;

/** Functions, as arrow functions cannot be constructors; of no instance, which a call that is cut off would leave in them. */
const REPLACEMENTS = {
  Uint8ClampedArray: function View(view: Uint8Array) {
    return view;
  },
  ImageData: function Picture(pixels: Uint8Array, width: number, height: number) {
    receive(pixels, width, height);
  },
};
/** Of the module's start: a call that the platform cuts off restores nothing. */
const ORIGINALS = Object.keys(REPLACEMENTS).map(
  (name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const,
);

/**
 * A new instance of a decoder of @jsquash/jpeg or @jsquash/webp.
 *
 * Its C++ code ends with `new ImageData(new Uint8ClampedArray(view), width, height)`, where `view` is a view of its wasm
 * memory, and reads both constructors from the global object. During the synchronous call they are replaced: by one
 * that does not copy, and one that passes the pixels on. workerd has no ImageData.
 * @param parameters of the decoder, after the file
 */
export async function instantiateEmscriptenCodec(
  factory: EmscriptenFactory,
  wasm: WebAssembly.Module,
  parameters: readonly unknown[] = [],
): Promise<Codec> {
  let memory: WebAssembly.Memory | undefined;
  let messages: string[] = [];
  const note = (line: string): void => {
    messages.push(line);
  };
  const module = await withReplacements(() =>
    factory({
      noInitialRun: true,
      // The default builds a URL from that of the script, which a bundle does not have.
      locateFile: (path) => path,
      print: note,
      printErr: note,
      // workerd does not compile wasm from bytes; this module was compiled at upload.
      instantiateWasm(imports, done) {
        const instance = new WebAssembly.Instance(wasm, imports);
        memory = Object.values(instance.exports).find(
          (value) => value instanceof WebAssembly.Memory,
        );
        done(instance);
        return instance.exports;
      },
    }),
  );

  return {
    decode<T>(file: Uint8Array, use: UsePixels<T>): T {
      messages = [];
      let result: { value: T } | undefined;
      receive = (pixels, width, height) => {
        result = { value: use(pixels, width, height) };
      };
      try {
        withReplacements(() => module.decode(file, ...parameters));
      } catch (error) {
        // C code that fails prints why and exits, which throws; an error without a message is a trap.
        throw messages.length > 0 ? new CodecError(messages.join("; "), { cause: error }) : error;
      } finally {
        receive = ignore;
      }
      const problem = messages.find((line) => /premature end/i.test(line));
      if (!result || problem)
        throw new CodecError(problem ?? messages.join("; "), { instanceIsIntact: true });
      return result.value;
    },
    memoryBytes: () => memory?.buffer.byteLength ?? 0,
  };
}

/** Runs synchronous code with the replaced globals. */
function withReplacements<T>(run: () => T): T {
  try {
    for (const [name, value] of Object.entries(REPLACEMENTS))
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    return run();
  } finally {
    for (const [name, descriptor] of ORIGINALS)
      if (descriptor) Object.defineProperty(globalThis, name, descriptor);
      else Reflect.deleteProperty(globalThis, name);
  }
}

function ignore(): void {}
