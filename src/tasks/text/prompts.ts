import { ApiError } from "../../domain/errors.ts";
import { quote } from "../../shared/quote.ts";
import { RankedText } from "./text-forms.ts";

/** By which names queries and ranked texts have their prompts, as in sentence-transformers. */
const QUERY = ["query"];
const DOCUMENT = ["document", "passage"];

/** What precedes a text of a request. */
type PromptOf = (
  value: unknown,
  parameters: { readonly prompt_name?: string | undefined },
) => string;

/**
 * The prompts of a model of embeddings, such as `query: `. Of a ranking, the query and the texts have each their own.
 * @param defaultName that of texts whose request names none
 */
export function createPrompts(
  prompts: Readonly<Record<string, string>>,
  defaultName: string | undefined,
): PromptOf {
  const names = Object.keys(prompts);
  const firstOf = (wanted: readonly string[]): string | undefined =>
    wanted.find((name) => Object.hasOwn(prompts, name));
  return (value, { prompt_name }) => {
    const ranked =
      value instanceof RankedText ? firstOf(value.isQuery ? QUERY : DOCUMENT) : undefined;
    const name = prompt_name ?? ranked ?? defaultName;
    if (name === undefined) return "";
    if (Object.hasOwn(prompts, name)) return prompts[name] ?? "";
    throw new ApiError(
      "invalid_request",
      `"parameters" are not valid for this model: prompt_name cannot be ${quote(name)}: ${names.length > 0 ? `its prompts are ${names.map(quote).join(", ")}` : "it has no prompts"}.`,
      { details: { field: "parameters.prompt_name", valid: names } },
    );
  };
}
