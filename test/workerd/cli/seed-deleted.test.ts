import { afterAll, beforeAll, expect, test } from "vitest";
import { seedFolder } from "../../../packages/cli/src/local/seed.ts";
import {
  type AdministeredService,
  startAdministeredService,
} from "../../support/administration.ts";
import { findModel } from "../../support/publish.ts";

const NAME = "iris-logistic";

let service: AdministeredService;

beforeAll(async () => {
  service = await startAdministeredService();
});

afterAll(() => service?.dispose());

test("a version of models/ that was deleted is not seeded again", async () => {
  const lines: string[] = [];
  const seed = () =>
    seedFolder(
      async () => service.bucket,
      { models: [findModel(NAME)], problems: [] },
      (line) => lines.push(line),
    );
  expect(await seed()).toMatchObject({ seeded: 1, deleted: 0, names: new Set([NAME]) });
  const path = `/models/${NAME}/versions/1`;
  expect(await service.administer(path, { method: "DELETE" })).toMatchObject({ status: 200 });
  const { objects } = await service.bucket.list({ prefix: `models/${NAME}/1/` });
  expect(objects).toEqual([]);

  expect(await seed()).toMatchObject({
    seeded: 0,
    unchanged: 0,
    deleted: 1,
    problems: [],
    names: new Set(),
  });
  expect(lines.at(-1)).toBe(`${NAME} version 1 was deleted: not seeded`);
  expect((await service.bucket.list({ prefix: `models/${NAME}/1/` })).objects).toEqual([]);
  expect(await service.request(`/v2/models/${NAME}`)).toMatchObject({ status: 404 });
});
