import type { FuzzKind } from "../fuzz-kind.ts";
import { type FuzzRequest, post, serialize } from "../http/request.ts";
import { toJsonText } from "../mutate/json-tree.ts";

export const leaving: FuzzKind = {
  name: "leaving",
  description: "clients that close the connection: in the head, in the body, before the response",
  weight: 3,
  create(random, samples) {
    const file = random.pickWeighted(samples.media);
    const { target, body } = random.pickWeighted(samples.json);
    const request: FuzzRequest = random.chance(0.4)
      ? post(`/models/${file.model}`, undefined, file.bytes)
      : post(target, "application/json", toJsonText(body));
    const framed: FuzzRequest = random.chance(0.3) ? { ...request, framing: "chunked" } : request;
    const { length } = serialize(framed);
    return { ...framed, leaveAfterBytes: random.chance(0.4) ? length : random.below(length) };
  },
};
