import { ISOLATE_ENTRYPOINT, type IsolateMethods, type IsolateSettings } from "../wire/protocol.ts";

/** The code of a model's isolate: the build product of `src/model-isolate.ts`, with the modules that it imports. */
export interface IsolateCode {
  /** Of the code and its modules, hexadecimal; part of the isolate's id. */
  readonly digest: string;
  readonly compatibilityDate: string;
  readonly mainModule: string;
  readonly modules: WorkerLoaderWorkerCode["modules"];
}

export interface IsolateLoaderOptions {
  readonly loader: WorkerLoader;
  readonly code: IsolateCode;
  readonly settings: IsolateSettings;
}

/** The least CPU time of a call: a client with a short deadline must not end the isolate for all. */
const MIN_CPU_MS = 5_000;
/** The CPU time of a call without a deadline. */
const DEFAULT_CPU_MS = 30_000;

/**
 * The methods of the isolate of a model.
 * @param digest of the model file
 * @param timeoutMs what is left of the call's deadline
 */
export type MethodsOf = (digest: string, timeoutMs?: number) => IsolateMethods;

/**
 * Starts isolates by the Worker Loader, or finds those that other isolates of this Worker have started: the id is the digest of
 * the code, that of the model, and the settings.
 */
export function createIsolateLoader({ loader, code, settings }: IsolateLoaderOptions): MethodsOf {
  const environment = Object.values(settings).join("-");
  return (digest, timeoutMs = DEFAULT_CPU_MS) => {
    const stub = loader.get(`${code.digest}-${digest}-${environment}`, () => ({
      compatibilityDate: code.compatibilityDate,
      mainModule: code.mainModule,
      modules: code.modules,
      env: { SETTINGS: settings },
      globalOutbound: null,
    }));
    const cpuMs = Math.ceil(Math.max(MIN_CPU_MS, timeoutMs));
    const entrypoint: unknown = stub.getEntrypoint(ISOLATE_ENTRYPOINT, { limits: { cpuMs } });
    return entrypoint as IsolateMethods;
  };
}
