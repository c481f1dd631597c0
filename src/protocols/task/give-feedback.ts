import type { Principal } from "../../domain/access/principal.ts";
import { permits } from "../../domain/access/scope.ts";
import { ApiError } from "../../domain/errors.ts";
import type { ModelReference } from "../../domain/model-id.ts";
import type { FeedbackGiver, RecordedFeedback } from "../../domain/monitoring/feedback.ts";
import type { Services } from "../services.ts";
import { type ReadFeedback, readFeedback } from "./feedback-request.ts";

type FeedbackServices = Pick<Services, "catalog" | "router" | "feedback">;

/**
 * Ties truths to predictions, over whatever they came.
 * @param given one truth or a list of them, which may be anything
 * @param principal `undefined` where nobody was identified
 * @returns what became of the one, or of each of the list
 * @throws ApiError what a single one is refused for, and what concerns all
 */
export async function giveFeedback(
  services: FeedbackServices,
  reference: ModelReference,
  given: unknown,
  principal: Principal | undefined,
): Promise<object> {
  const { name, version } = await resolve(services, reference);
  const { isList, items } = readFeedback(given);
  const giver = principal
    ? { id: await principal.id(), isAdmin: permits(principal.scopes, "admin") }
    : { id: "", isAdmin: false };
  const answers = await give(services, { name, version }, items, giver);
  return isList ? toList(answers) : toSingle(answers);
}

/**
 * The model, and the version whose predictions alone are meant. An alias is that of now, and not of the predictions: it only names the model.
 */
async function resolve(
  { catalog, router }: FeedbackServices,
  reference: ModelReference,
): Promise<{ name: string; version: string | undefined }> {
  const { name, version, alias } = reference;
  if (alias === undefined) await catalog.resolve(name, version);
  else await router.resolve(reference);
  return { name, version };
}

type Answer = RecordedFeedback | { readonly requestId?: string; readonly error: ApiError };

async function give(
  { feedback }: FeedbackServices,
  { name, version }: { readonly name: string; readonly version: string | undefined },
  items: ReadFeedback["items"],
  giver: FeedbackGiver,
): Promise<readonly Answer[]> {
  if (!feedback)
    throw new ApiError(
      "not_supported",
      "Predictions are not kept for feedback: the Durable Object binding METRICS is missing.",
    );
  const valid = items.flatMap((item) => ("error" in item ? [] : [item]));
  const results = valid.length > 0 ? await feedback.give(name, version, valid, giver) : [];
  let next = 0;
  return items.map((item): Answer => {
    if ("error" in item) return item;
    const result = results[next++];
    if (result instanceof ApiError) return { requestId: item.requestId, error: result };
    if (!result) throw new Error("feedback without a result");
    return result;
  });
}

function toSingle([answer]: readonly Answer[]): object {
  if (!answer) throw new Error("feedback without a result");
  if ("error" in answer) throw answer.error;
  return answer;
}

function toList(answers: readonly Answer[]): object {
  const counts = { recorded: 0, replaced: 0, unchanged: 0, outdated: 0, failed: 0 };
  const results = answers.map((answer) => {
    if (!("error" in answer)) {
      counts[answer.status] += 1;
      return answer;
    }
    counts.failed += 1;
    const { requestId, error } = answer;
    return { requestId, status: "failed", code: error.code, message: error.message };
  });
  return { counts, results };
}
