import { ApiError } from "../../domain/errors.ts";
import type { TokenLimit } from "./generation-fields.ts";

/** What the errors of a choice are about, by the names of OpenAI's API. */
export interface NamedFields {
  /** `prompt`, or `messages`. */
  readonly input: string;
  /** Its place in messages: `prompt[3]`. */
  readonly path: string;
  readonly limit: TokenLimit;
}

/** How messages of the task begin, whose parameters are fields of their own here. */
const PARAMETERS = /^"parameters" are not valid for this model: /;

/** Adds to an error of the text-generation task the field that it is about. */
export function nameGenerationField(fields: NamedFields): (error: unknown) => never {
  const { input, path } = fields;
  return (error) => {
    if (!(error instanceof ApiError) || error.kind.status !== 400) throw error;
    const { code, details = {}, cause } = error;
    if (typeof details.context === "number") throw beyondContext(error, details.context, fields);
    const names: Readonly<Record<string, string>> = {
      grammar: "response_format",
      max_new_tokens: fields.limit.field,
    };
    const name = typeof details.field === "string" ? details.field : input;
    const field = names[name] ?? name;
    const message = error.message
      .replace(/^inputs\b/, path)
      .replace(PARAMETERS, "")
      .replaceAll(/"(grammar|max_new_tokens)"/g, (_, each) => names[each] ?? each);
    throw new ApiError(code, message, { cause, details: { ...details, field } });
  };
}

/** LangChain and others look for "maximum context length". */
function beyondContext(
  { code, message: ofTask, details = {}, cause }: ApiError,
  context: number,
  { input, path: first, limit }: NamedFields,
): ApiError {
  const { promptTokens, maxNewTokens } = details;
  const path = `${first}${/\binputs(\[\d+\])/.exec(ofTask)?.[1] ?? ""}`;
  const begin = `This model's maximum context length is ${context} tokens, and those of ${path} are ${promptTokens}`;
  if (typeof maxNewTokens !== "number") {
    const message = `${begin}, which leaves none for the answer: send a shorter text.`;
    return new ApiError(code, message, { cause, details: { ...details, field: input } });
  }
  const room = context - Number(promptTokens);
  const message = `${begin}: ${limit.field} can be ${room} at most, and is ${maxNewTokens}.`;
  return new ApiError(code, message, { cause, details: { ...details, field: limit.field } });
}
