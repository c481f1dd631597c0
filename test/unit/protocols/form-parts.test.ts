import { expect, test } from "vitest";
import { nameTypedParts } from "../../../src/protocols/form-files.ts";
import { countHeaderBytes, countParts } from "../../../src/protocols/form-parts.ts";

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

test("the headers of parts are counted, and not what looks like headers in a value", () => {
  const body = new TextEncoder().encode(
    "--b\r\nA: 1\r\n\r\nB: 2\r\n\r\nC: 3\r\n--b\r\nDD: 4\r\n\r\n\r\n--b--\r\n",
  );
  // Two line ends, which begin the headers, are counted too; `--` and a line end follow the last boundary.
  expect(countHeaderBytes("multipart/form-data; boundary=b", body)).toBe(8 + 9 + 4);
});

const BYTES = Uint8Array.of(0x52, 0xff, 0, 0x0a, 0x80);

async function readPart(headers: string): Promise<unknown> {
  const type = "multipart/form-data; boundary=b";
  const body = Buffer.concat([
    Buffer.from(`--b\r\n${headers}\r\n\r\n`, "latin1"),
    BYTES,
    Buffer.from("\r\n--b--\r\n"),
  ]);
  const named = nameTypedParts(type, body) as Uint8Array<ArrayBuffer>;
  return (await new Response(named, { headers: { "content-type": type } }).formData()).get(
    "inputs",
  );
}

test.each([
  'Content-Disposition: form-data; name="inputs"\r\nContent-Type: audio/wav',
  'Content-Type: audio/wav\r\nContent-Disposition: form-data; name="inputs"',
  'content-disposition: form-data; name="inputs"; filename=""\r\ncontent-type: audio/wav',
  'Content-Disposition: form-data; name="inputs"; filename="x.wav"\r\nContent-Type: audio/wav',
])("a part with a media type is a file, byte for byte: %j", async (headers) => {
  const part = await readPart(headers);
  expect(part).toBeInstanceOf(File);
  const file = part as File;
  expect(file.type).toBe("audio/wav");
  expect(new Uint8Array(await file.arrayBuffer())).toEqual(BYTES);
});

test.each([
  'Content-Disposition: form-data; name="inputs"',
  'Content-Disposition: form-data; name="inputs"\r\nContent-Type: text/plain',
])("a part without a media type, or of text, stays a text: %j", async (headers) => {
  expect(typeof (await readPart(headers))).toBe("string");
});
