import { ApiError } from "../../domain/errors.ts";
import { formatModelId } from "../../domain/model-id.ts";
import { quoteAll } from "../../shared/quote.ts";
import { chooseModel } from "../exports/choose-model.ts";
import { filesRoute, type SentFiles } from "./sent-files.ts";

/**
 * The path of the sent file that is the model.
 * @throws ApiError `invalid_model` where that is not certain
 */
export function findSentModel(sent: SentFiles): string {
  const models = sent.paths.filter((path) => /\.(?:onnx|ort)$/i.test(path));
  const [first] = models;
  if (first !== undefined && models.length === 1) return first;
  const route = filesRoute(sent.id);
  if (first === undefined)
    throw new ApiError(
      "invalid_model",
      `${formatModelId(sent.id)} cannot be published: no model has been sent${
        sent.paths.length > 0 ? `, only ${quoteAll(sent.paths)}` : ""
      }. Send a file whose name ends with .onnx or .ort with PUT ${route}/model.onnx, or name the model in "file".`,
      { details: { sent: sent.paths } },
    );
  try {
    return chooseModel(models).path;
  } catch (cause) {
    throw new ApiError(
      "invalid_model",
      `${formatModelId(sent.id)} cannot be published: which of the files ${quoteAll(models)} is the model? Name it in "file", or send a manifest.`,
      { cause, details: { field: "file", valid: models } },
    );
  }
}

const MAX_NAME = 120;

/** The name of a file in storage, which a manifest can have. */
export function toFileName(path: string): string {
  const name = path
    .replace(/[^A-Za-z0-9._/-]/g, "-")
    .split("/")
    .map((segment) => segment.replace(/^[^A-Za-z0-9]+/, ""))
    .filter((segment) => segment !== "")
    .join("/");
  return name.slice(-MAX_NAME).replace(/^[^A-Za-z0-9]+/, "") || "model";
}
