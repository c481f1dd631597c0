import { Conversation } from "../conversation.ts";
import { Media } from "../media.ts";

/** Lists within objects within lists: no task takes deeper ones. */
const MAX_DEPTH = 4;
const DECODER = new TextDecoder();

/** The texts of a request: one, a list, a conversation, sentences to be compared, or a body of plain text. */
export function* textsOf(inputs: unknown, depth = MAX_DEPTH): Generator<string> {
  if (typeof inputs === "string") yield inputs;
  else if (inputs instanceof Media) yield DECODER.decode(inputs.bytes);
  else if (inputs instanceof Conversation) for (const { content } of inputs.messages) yield content;
  else if (typeof inputs === "object" && inputs !== null && depth > 0)
    for (const part of Object.values(inputs)) yield* textsOf(part, depth - 1);
}
