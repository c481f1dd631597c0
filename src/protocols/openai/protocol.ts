import type { Protocol } from "../protocol.ts";
import { renderOpenAiError } from "./error.ts";
import { CREATE_CHAT_COMPLETION } from "./operations/chat-completions.ts";
import { CREATE_COMPLETION } from "./operations/completions.ts";
import { CREATE_EMBEDDINGS } from "./operations/embeddings.ts";
import { MODEL_OPERATIONS } from "./operations/models.ts";
import { CREATE_TRANSCRIPTION } from "./operations/transcriptions.ts";
import { SCHEMAS } from "./schemas.ts";

/** A part of OpenAI's API (https://platform.openai.com/docs/api-reference): chat completions, completions, embeddings, transcriptions, and the list of models. */
export const OPENAI_PROTOCOL: Protocol = {
  name: "openai",
  basePath: "/v1",
  operations: [
    CREATE_CHAT_COMPLETION,
    CREATE_COMPLETION,
    CREATE_EMBEDDINGS,
    CREATE_TRANSCRIPTION,
    ...MODEL_OPERATIONS,
  ],
  schemas: SCHEMAS,
  renderError: renderOpenAiError,
  errors: {
    form: "OpenAI's API",
    contentType: "application/json",
    schema: "OpenAiError",
    narrow: (code) => ({ properties: { error: { properties: { code } } } }),
  },
};
