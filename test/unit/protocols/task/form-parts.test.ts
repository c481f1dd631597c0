import { expect, test } from "vitest";
import { countParts } from "../../../../src/protocols/task/form-parts.ts";

/** A form as the runtime's own encoder writes it. */
async function formOf(parts: number, value = "x"): Promise<{ type: string; body: Uint8Array }> {
  const form = new FormData();
  for (let part = 0; part < parts; part++) form.append("inputs", value);
  const response = new Response(form);
  const type = response.headers.get("content-type") ?? "";
  return { type, body: new Uint8Array(await response.arrayBuffer()) };
}

test.each([0, 1, 2, 57])("a form of %i parts has that number", async (parts) => {
  const { type, body } = await formOf(parts);
  expect(countParts(type, body, 1000)).toBe(parts);
});

test("counting ends above the limit", async () => {
  const { type, body } = await formOf(5000);
  expect(countParts(type, body, 10)).toBe(11);
});

test("hyphens and the boundary inside a line are no parts", async () => {
  const { type, body } = await formOf(1, `a--${"-".repeat(1000)}\n--\n--b`);
  expect(countParts(type, body, 1000)).toBe(1);
});

test("a quoted boundary is the same as a bare one", () => {
  const body = new TextEncoder().encode("--a b\r\n\r\n\r\n--a b\r\n\r\n\r\n--a b--\r\n");
  expect(countParts('multipart/form-data; boundary="a b"', body, 10)).toBe(2);
  expect(countParts("multipart/form-data", body, 10)).toBe(0);
});
