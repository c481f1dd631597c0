import type { FuzzRequest } from "./http/request.ts";
import type { Answer } from "./http/response-parser.ts";
import type { Random } from "./random.ts";
import type { Samples } from "./samples/samples.ts";

/** One way to make hostile requests: the export of a file in `kinds/`, and one line in `registry.ts`. */
export interface FuzzKind {
  readonly name: string;
  readonly description: string;
  /** Its share of the requests; 0 for kinds that are counted separately. */
  readonly weight: number;
  /**
   * Makes a request, always the same for the same choices and samples.
   * @param index distinguishes what is published in one run
   */
  create(random: Random, samples: Samples, index: number): FuzzRequest;
  /** What to send after this answer to a request of this kind, until there is nothing more. */
  follow?(request: FuzzRequest, answer: Answer): FuzzRequest | undefined;
}
