import { type Codec, CodecError, type UsePixels } from "./codec.ts";

/** The function that an emscripten file of @jsquash exports, as far as this program uses it. */
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

/**
 * A new instance of a decoder of @jsquash/jpeg or @jsquash/webp.
 *
 * Its C++ code ends with `new ImageData(new Uint8ClampedArray(view), width, height)`, where `view` is
 * of its own memory, and takes both constructors from the global object. While it runs, which is
 * synchronous, it finds others there: one that copies nothing, and one that hands the pixels on.
 * workerd has no ImageData anyway.
 * @param parameters of the decoder, after the file
 */
export async function instantiateEmscriptenCodec(
  factory: EmscriptenFactory,
  wasm: WebAssembly.Module,
  parameters: readonly unknown[] = [],
): Promise<Codec> {
  let memory: WebAssembly.Memory | undefined;
  let receive: UsePixels<void> = () => {};
  let messages: string[] = [];
  const note = (line: string): void => {
    messages.push(line);
  };
  // Constructors that answer an object of their choice, which arrow functions cannot be.
  const globals = {
    Uint8ClampedArray: function View(view: Uint8Array) {
      return view;
    },
    ImageData: function Picture(pixels: Uint8Array, width: number, height: number) {
      receive(pixels, width, height);
    },
  };
  const module = await withGlobals(globals, () =>
    factory({
      noInitialRun: true,
      // Otherwise it makes a URL of the place that it was loaded from, which a bundle has none of.
      locateFile: (path) => path,
      print: note,
      printErr: note,
      // workerd compiles no wasm from bytes at request time; this one was compiled at upload.
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
      let answer: { value: T } | undefined;
      receive = (pixels, width, height) => {
        answer = { value: use(pixels, width, height) };
      };
      try {
        withGlobals(globals, () => module.decode(file, ...parameters));
      } catch (error) {
        // C code that gives up prints why and exits, which throws; what throws without a word has trapped.
        throw messages.length > 0 ? new CodecError(messages.join("; "), { cause: error }) : error;
      } finally {
        receive = () => {};
      }
      const problem = messages.find((line) => /premature end/i.test(line));
      if (!answer || problem)
        throw new CodecError(problem ?? messages.join("; "), { instanceIsIntact: true });
      return answer.value;
    },
    memoryBytes: () => memory?.buffer.byteLength ?? 0,
  };
}

/** Runs synchronous code with other globals, and puts the old ones back. */
function withGlobals<T>(globals: Readonly<Record<string, unknown>>, run: () => T): T {
  const before = Object.keys(globals).map(
    (name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const,
  );
  try {
    for (const [name, value] of Object.entries(globals))
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    return run();
  } finally {
    for (const [name, descriptor] of before)
      if (descriptor) Object.defineProperty(globalThis, name, descriptor);
      else Reflect.deleteProperty(globalThis, name);
  }
}
