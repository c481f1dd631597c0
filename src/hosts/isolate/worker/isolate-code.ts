/** The code of a model's isolate: the build product of `src/model-isolate.ts`, with the modules that it imports. */
export interface IsolateCode {
  /** Of the code and its modules, hexadecimal; part of the isolate's id. */
  readonly digest: string;
  readonly compatibilityDate: string;
  readonly mainModule: string;
  readonly modules: WorkerLoaderWorkerCode["modules"];
}
