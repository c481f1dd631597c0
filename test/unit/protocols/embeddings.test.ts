import { expect, test } from "vitest";
import { modelInRequest } from "../../../src/protocols/openai/model-field.ts";

test.each([
  ['{"model":"m","input":"text"}', "m"],
  ['{"input":"text","model":"ü"}', "ü"],
  ['{"model":1}', undefined],
  ["{}", undefined],
  ["null", undefined],
  ['{"model":"m"', undefined],
  ["", undefined],
])("the model in the request %j is %j", (text, model) => {
  expect(modelInRequest(new TextEncoder().encode(text))).toBe(model);
});
