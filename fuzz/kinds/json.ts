import type { FuzzKind } from "../fuzz-kind.ts";
import { post } from "../http/request.ts";
import { toJsonText } from "../mutate/json-tree.ts";
import { mutateBytes } from "../mutate/mutate-bytes.ts";
import { mutateTree } from "../mutate/mutate-json.ts";

export const json: FuzzKind = {
  name: "json",
  description: "JSON bodies of every operation: values, keys, nesting, sizes, bytes",
  weight: 40,
  create(random, samples) {
    const { target, body } = random.pickWeighted(samples.json);
    const text = Buffer.from(toJsonText(random.chance(0.9) ? mutateTree(body, random) : body));
    return post(
      target,
      random.chance(0.9) ? "application/json" : undefined,
      random.chance(0.85) ? text : mutateBytes(text, random),
    );
  },
};
