import * as z from "zod";

/**
 * A transform of the text of a setting.
 * @param parse throws an Error, whose message is the problem of the setting: it has no more of the text than may be shown, which may be a secret
 */
export function parsedBy<T>(parse: (text: string) => T) {
  return (text: string, context: z.RefinementCtx): T => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: (error as Error).message });
      return z.NEVER;
    }
  };
}
