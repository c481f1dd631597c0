import type { SpareAdmission } from "../domain/admission.ts";
import { LruMap } from "../shared/lru-map.ts";

export interface AdmissionByIsolateOptions {
  /** Of the isolate that handles requests. */
  readonly shared: SpareAdmission;
  /** Creates that of the isolate of a model. */
  readonly createOwn: () => SpareAdmission;
  /** Whether the model of this name has an isolate of its own, as far as that is known. */
  readonly isOwn: (model: string) => boolean;
}

/** Models with an isolate of their own whose requests are counted. */
const MAX_MODELS = 1000;

/**
 * Admission for each isolate: a model with an isolate of its own has its own counts, averages and limits, and its requests
 * take no time slices of this isolate. A model that is not known yet counts here.
 */
export function createAdmissionByIsolate({
  shared,
  createOwn,
  isOwn,
}: AdmissionByIsolateOptions): SpareAdmission {
  const own = new LruMap<string, SpareAdmission>(MAX_MODELS);

  function admissionOf(model: string | undefined): SpareAdmission {
    if (model === undefined || !isOwn(model)) return shared;
    const known = own.get(model);
    if (known) return known;
    const admission = createOwn();
    own.set(model, admission);
    return admission;
  }

  return {
    begin: (timeoutMs) => shared.begin(timeoutMs),
    check: (request) => admissionOf(request.model).check(request),
    admit: (request) => admissionOf(request.model).admit(request),
    admitSpare: (request) => admissionOf(request.model).admitSpare(request),
  };
}
