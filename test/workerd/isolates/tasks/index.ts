import { createEntrypoint } from "../../../../src/model-isolate.ts";
import { createTestTask } from "../test-task.ts";

/** The isolate of a model, with the test task. */
export const ModelIsolate = createEntrypoint({ createTask: createTestTask });
