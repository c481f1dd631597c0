import { KEY_STATES } from "../../domain/access/key-authority.ts";
import { MAX_OWNER_LENGTH } from "../../domain/access/key-schema.ts";
import { ERROR_KINDS } from "../../domain/errors.ts";
import { EVENT_KINDS, EVENT_STATUS, OPERATION_ID } from "../../domain/event.ts";
import { MODEL_NAME } from "../../domain/model-id.ts";
import { ALIAS_NAME } from "../../domain/routing.ts";
import { TASK_KINDS } from "../../domain/task-kinds.ts";
import type { Parameter } from "./openapi-types.ts";

/** Parameters in queries, by their names. */
export const QUERY_PARAMETERS = {
  aliasOfVersion: {
    name: "alias",
    in: "query",
    description: "An alias that gets the version when it is published.",
    schema: { type: "string", pattern: ALIAS_NAME.source },
    example: "canary",
  },
  context: {
    name: "context",
    in: "query",
    description:
      "Of an exported language model: how many tokens prompt and answer may have together, if fewer than the model was made for.",
    schema: { type: "integer", minimum: 2, maximum: 131_072 },
    example: 1024,
  },
  "alias-filter": {
    name: "alias",
    in: "query",
    description: "Only changes of this alias.",
    schema: { type: "string", pattern: ALIAS_NAME.source },
    example: "production",
  },
  at: {
    name: "at",
    in: "query",
    description: "A time in the past (ISO 8601).",
    schema: { type: "string" },
    example: "2026-11-30T12:00:00Z",
  },
  limit: {
    name: "limit",
    in: "query",
    description: "Largest number of changes; 100 by default.",
    schema: { type: "integer", minimum: 1, maximum: 1000 },
    example: 20,
  },
  "keys-limit": {
    name: "limit",
    in: "query",
    description: "Largest number of keys; 100 by default.",
    schema: { type: "integer", minimum: 1, maximum: 1000 },
    example: 20,
  },
  "state-filter": {
    name: "state",
    in: "query",
    description: "Only keys in this state.",
    schema: { type: "string", enum: [...KEY_STATES] },
  },
  "owner-filter": {
    name: "owner",
    in: "query",
    description: "Only keys of this owner.",
    schema: { type: "string", minLength: 1, maxLength: MAX_OWNER_LENGTH },
    example: "search-team",
  },
  before: {
    name: "before",
    in: "query",
    description: "Only changes before this revision.",
    schema: { type: "integer", minimum: 1 },
    example: 12,
  },
  "model-filter": {
    name: "model",
    in: "query",
    description: "Events of this model.",
    schema: { type: "string", pattern: MODEL_NAME.source },
  },
  "operation-filter": {
    name: "operation",
    in: "query",
    description: "Events of this operation, by its id in this document.",
    schema: { type: "string", pattern: OPERATION_ID.source },
  },
  "status-filter": {
    name: "status",
    in: "query",
    description: "Events with this status, or with one of this class: `404`, `5xx`.",
    schema: { type: "string", pattern: EVENT_STATUS.source },
  },
  "code-filter": {
    name: "code",
    in: "query",
    description: "Events with this code of an error.",
    schema: { type: "string", enum: Object.keys(ERROR_KINDS) },
  },
  "event-filter": {
    name: "event",
    in: "query",
    description: "Events of this kind.",
    schema: { type: "string", enum: EVENT_KINDS },
  },
  follow: {
    name: "follow",
    in: "query",
    description: "Whether new events follow the last ones.",
    schema: { type: "boolean", default: false },
  },
  force: {
    name: "force",
    in: "query",
    description: "Also a version that requests are routed to; the routes to it are removed.",
    schema: { type: "boolean" },
  },
  taskOfVersion: {
    name: "task",
    in: "query",
    description:
      "The task of the version, whose blocks are proposed from the model and the files sent before.",
    schema: { type: "string", enum: [...TASK_KINDS] },
  },
  forcePublication: {
    name: "force",
    in: "query",
    description: "Publishes other files under the number of a version that was deleted.",
    schema: { type: "boolean" },
  },
  olderThanSeconds: {
    name: "olderThanSeconds",
    in: "query",
    description:
      "Younger objects would not be removed, and are marked as `protected`; 86400 by default. Objects of versions are protected for two hours at least.",
    schema: { type: "integer", minimum: 0, maximum: 31_536_000 },
    example: 86_400,
  },
  cursor: {
    name: "cursor",
    in: "query",
    description: "Of the response before; from the beginning when left out.",
    schema: { type: "string", minLength: 1, maxLength: 1024 },
  },
} as const satisfies Record<string, Parameter>;
