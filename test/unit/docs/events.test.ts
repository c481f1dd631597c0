import { readFileSync } from "node:fs";
import Ajv from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { describe, expect, test } from "vitest";
import { withEventTables } from "../../../scripts/event-tables.ts";
import { projectPath } from "../../../scripts/project.ts";
import { eventJsonSchema } from "../../../src/domain/event/json-schema.ts";
import { EVENT_DEFINITIONS } from "../../../src/domain/event/registry.ts";
import { EVENT_KINDS } from "../../../src/domain/event.ts";
import { EVENTS } from "../../contracts/event-sink.ts";

const read = (page: string) => readFileSync(projectPath("docs", page), "utf8");

test("docs/event.schema.json is the schema of the program (npm run schema writes it)", () => {
  expect(JSON.parse(read("event.schema.json"))).toEqual(
    JSON.parse(JSON.stringify(eventJsonSchema())),
  );
});

test("the tables of docs/events.md are those of the program (npm run schema writes them)", () => {
  const page = read("events.md");
  expect(withEventTables(page)).toBe(page);
});

test("each kind of events has a definition, and there are no others", () => {
  expect(Object.keys(EVENT_DEFINITIONS)).toEqual([...EVENT_KINDS]);
});

describe("the JSON Schema of events", () => {
  const ajv = new Ajv({ strict: false });
  addFormats(ajv);
  const validate = ajv.compile(eventJsonSchema() as object);

  test.each(EVENTS)("accepts %s", (_, event) => {
    expect(validate(JSON.parse(JSON.stringify(event))), JSON.stringify(validate.errors)).toBe(true);
  });

  test("accepts a field of a later version, and refuses a known one of another type", () => {
    const [, event] = EVENTS[0] ?? [];
    expect(validate({ ...event, another: 1 })).toBe(true);
    expect(validate({ ...event, status: "404" })).toBe(false);
    expect(validate({ ...event, event: "another" })).toBe(false);
  });
});
