import type { FuzzKind } from "./fuzz-kind.ts";
import type { FuzzRequest } from "./http/request.ts";
import { createRandom } from "./random.ts";
import type { Samples } from "./samples/samples.ts";
import type { Seed } from "./seed-file.ts";

/** What a run consists of. */
export interface JobOptions {
  readonly samples: Samples;
  readonly kinds: readonly FuzzKind[];
  /** Of every choice. */
  readonly seed: number;
  /** Of all kinds but those without weight. */
  readonly requests: number;
  /** Mutated models to publish. */
  readonly models: number;
  /** Index of the first request and the first model, to repeat a part of a run. */
  readonly first: number;
  /** Sent before all others. */
  readonly seeds: readonly Seed[];
}

/** A request, and what follows from its responses. */
export interface Job {
  readonly kind: FuzzKind;
  readonly index: number;
  readonly request: FuzzRequest;
}

/** The seeds, then the requests with the models spread evenly among them. */
export function* listJobs(
  { samples, kinds, seeds, seed, requests, models, first }: JobOptions,
  mayContinue: () => boolean = () => true,
): Generator<Job> {
  for (const { kind: name, requests } of seeds) {
    const kind = kinds.find((kind) => kind.name === name) ?? kinds[0];
    if (kind) for (const request of requests) yield { kind, index: -1, request };
  }
  const weighted = kinds.filter(({ weight }) => weight > 0);
  const counted = kinds.find(({ weight }) => weight === 0);
  const total = Math.max(requests, counted ? models : 0);
  let modelsDone = 0;
  for (let done = 0; done < total && mayContinue(); done++) {
    const index = first + done;
    if (done < requests && weighted.length > 0) {
      const kind = createRandom(seed, index).pickWeighted(weighted);
      yield createJob(kind, index);
    }
    if (counted && (done + 1) * models >= (modelsDone + 1) * total)
      yield createJob(counted, first + modelsDone++);
  }

  function createJob(kind: FuzzKind, index: number): Job {
    return {
      kind,
      index,
      request: kind.create(createRandom(seed, kind.name, index), samples, index),
    };
  }
}
