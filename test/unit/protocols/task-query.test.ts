import { expect, test } from "vitest";
import { taskQuery } from "../../../src/protocols/task-query.ts";

const URL = "https://example.com/models/iris";

test("a query is read by name", () => {
  expect(taskQuery(`${URL}?top_k=3&labels=a%20b&labels2=`)).toEqual({
    top_k: "3",
    labels: "a b",
    labels2: "",
  });
});

test.each([
  ["top_k=1&top_k=2", 'The query has "top_k" more than once: send one value'],
  ["top_k=1&top%5Fk=1", 'The query has "top_k" more than once'],
  ["__proto__=1", 'No task has a parameter "__proto__"'],
])("the query %s is refused", (query, message) => {
  expect(() => taskQuery(`${URL}?${query}`)).toThrow(message);
});
