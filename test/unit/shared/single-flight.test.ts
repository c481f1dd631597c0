import { expect, test } from "vitest";
import { SingleFlight } from "../../../src/shared/single-flight.ts";

const PATIENT_MS = 60_000;

test("a caller joins the work that runs for its key, and gets its result", async () => {
  const flights = new SingleFlight<string>(PATIENT_MS);
  const { promise, resolve } = Promise.withResolvers<string>();
  const first = flights.start("a", () => promise);
  const joined = [flights.join("a"), flights.join("a")];
  resolve("done");
  expect(await first).toBe("done");
  expect(await Promise.all(joined)).toEqual([{ result: "done" }, { result: "done" }]);
});

test("a result that is undefined is distinguished from none", async () => {
  const flights = new SingleFlight<undefined>(PATIENT_MS);
  const first = flights.start("a", async () => undefined);
  expect(await flights.join("a")).toEqual({ result: undefined });
  await first;
});

test("there is nothing to join for another key, before the work begins, and once it has settled", async () => {
  const flights = new SingleFlight<string>(PATIENT_MS);
  expect(flights.join("a")).toBeUndefined();
  const work = flights.start("a", async () => "done");
  expect(flights.join("b")).toBeUndefined();
  await work;
  expect(flights.join("a")).toBeUndefined();
});

test("work that fails rejects for the caller that began it, and gives nothing to those who joined it", async () => {
  const flights = new SingleFlight<string>(PATIENT_MS);
  const { promise, reject } = Promise.withResolvers<string>();
  const first = flights.start("a", () => promise);
  const joined = flights.join("a");
  reject(new Error("failed"));
  await expect(first).rejects.toThrow("failed");
  expect(await joined).toBeUndefined();
  expect(flights.join("a")).toBeUndefined();
});

test("work that takes longer than a caller waits is joined by no other call", async () => {
  const flights = new SingleFlight<string>(10);
  const { promise, resolve } = Promise.withResolvers<string>();
  const first = flights.start("a", () => promise);
  expect(await flights.join("a")).toBeUndefined();
  expect(flights.join("a")).toBeUndefined();
  resolve("late");
  expect(await first).toBe("late");
});

test("a caller whose deadline passes waits no longer, and leaves the work to the others", async () => {
  const flights = new SingleFlight<string>(PATIENT_MS);
  const { promise, resolve } = Promise.withResolvers<string>();
  const first = flights.start("a", () => promise);
  const deadline = {
    remainingMs: 1,
    check: () => {
      throw new Error("too late");
    },
  };
  await expect(flights.join("a", deadline)).rejects.toThrow("too late");
  const joined = flights.join("a");
  resolve("done");
  expect([await first, await joined]).toEqual(["done", { result: "done" }]);
});

test("work that ends late leaves the work that replaced it", async () => {
  const flights = new SingleFlight<string>(PATIENT_MS);
  const late = Promise.withResolvers<string>();
  const newer = Promise.withResolvers<string>();
  const first = flights.start("a", () => late.promise);
  const second = flights.start("a", () => newer.promise);
  late.resolve("late");
  await first;
  const joined = flights.join("a");
  newer.resolve("newer");
  expect(await joined).toEqual({ result: "newer" });
  await second;
});
