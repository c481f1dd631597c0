import { describe, expect, test } from "vitest";
import { parseEventFilter } from "../../../src/protocols/admin/event-filter.ts";
import { COMPARED, FAILURE, PREDICTION, PURGE, UNMATCHED } from "../../contracts/event-sink.ts";
import { catchApiError } from "../../support/errors.ts";

const EVENTS = { PREDICTION, FAILURE, UNMATCHED, PURGE, COMPARED };

function accepted(query: Readonly<Record<string, string>>): string[] {
  const { accepts } = parseEventFilter(query);
  return Object.entries(EVENTS).flatMap(([name, event]) => (accepts(event) ? [name] : []));
}

describe("the filter of events", () => {
  test.each([
    [{}, ["PREDICTION", "FAILURE", "UNMATCHED", "PURGE", "COMPARED"]],
    [{ model: "iris" }, ["PREDICTION", "FAILURE", "PURGE", "COMPARED"]],
    [{ model: "wine" }, []],
    [{ operation: "infer" }, ["PREDICTION", "FAILURE"]],
    [{ status: "200" }, ["PREDICTION"]],
    [{ status: "5xx" }, ["FAILURE"]],
    [{ status: "4xx" }, ["UNMATCHED"]],
    [{ status: "204" }, []],
    [{ code: "internal" }, ["FAILURE"]],
    [{ event: "shadow" }, ["COMPARED"]],
    [{ event: "request", model: "iris", status: "2xx" }, ["PREDICTION"]],
    [{ event: "purge", status: "2xx" }, []],
  ])("%j accepts %j", (query, names) => {
    expect(accepted(query as Record<string, string>)).toEqual(names);
  });

  test.each([
    [{}, false],
    [{ follow: "" }, true],
    [{ follow: "true" }, true],
    [{ follow: "false" }, false],
  ])("%j follows: %j", (query, follow) => {
    expect(parseEventFilter(query as Record<string, string>).follow).toBe(follow);
  });

  test.each([
    ["status", "6xx"],
    ["status", "4x"],
    ["status", "teapot"],
    ["status", ""],
    ["code", "no_such_code"],
    ["event", "requests"],
    ["follow", "yes"],
    ["model", "No Model"],
    ["operation", "in fer"],
    ["limit", "5"],
    ["constructor", "x"],
  ])("%s=%s is refused, and the error names the parameter", (name, value) => {
    const error = catchApiError("invalid_request", () => parseEventFilter({ [name]: value }));
    expect(error.details).toEqual({ field: name });
    expect(error.message).toContain(name);
  });
});
