/// <reference path="../../../../worker-configuration.d.ts" />
import { z } from "zod";
import { createApp } from "../../../../src/app.ts";
import { createServices } from "../../../../src/deps.ts";
import type { Call } from "../../../../src/domain/call.ts";
import { ApiError } from "../../../../src/domain/errors.ts";
import type { Task } from "../../../../src/tasks/task.ts";

/**
 * The project's Worker, whose tasks are all a count: `{"inputs": 3}` has the parts 1, 2 and 3. How it counts is
 * its parameter `mode`:
 *
 * - `stepwise`: each part waits for a `POST /step`; `DELETE /step` takes back those that no part has used;
 * - `busily`: without an end and without waiting for anything but its checkpoints;
 * - `failing`: as fast as it can, and fails after the last part.
 *
 * `GET /state` returns a {@link StreamingState}.
 */
export interface StreamingState {
  /** Parts computed since the Worker began. */
  readonly computed: number;
  /** Streams that ended, in whatever way. */
  readonly ended: number;
  /** Streams that wait for a step. */
  readonly waiting: number;
}

const PARAMETERS = z.strictObject({ mode: z.enum(["stepwise", "busily", "failing"]) });

const state = { computed: 0, ended: 0, waiting: 0 };
let steps = 0;

/** More than a client can read before its test ends. */
const MAX_PARTS = 100_000_000;

/** A minute at least, as long as a test may take. */
const MAX_POLLS = 60_000;

async function* count(
  to: number,
  mode: z.output<typeof PARAMETERS>["mode"],
  call: Call,
): AsyncGenerator<{ count: number }> {
  try {
    const last = mode === "busily" ? MAX_PARTS : to;
    for (let part = 1; part <= last; part++) {
      if (mode === "stepwise") await takeStep(call);
      await call.checkpoint();
      state.computed += 1;
      yield { count: part };
    }
    if (mode === "failing") throw new ApiError("inference_failed", "The count has failed.");
  } finally {
    state.ended += 1;
  }
}

async function takeStep(call: Call): Promise<void> {
  state.waiting += 1;
  try {
    for (let polls = 0; steps === 0; polls++) {
      if (polls === MAX_POLLS) throw new Error(`no step after ${MAX_POLLS} polls`);
      await scheduler.wait(1);
      await call.checkpoint();
    }
    steps -= 1;
  } finally {
    state.waiting -= 1;
  }
}

const task: Task = {
  parameters: PARAMETERS,
  execute: async ({ inputs, parameters }, _models, call) => {
    const { mode } = PARAMETERS.parse(parameters);
    return { kind: "stream", parts: count(Number(inputs), mode, call) };
  },
};

let app: ReturnType<typeof createApp> | undefined;

export default {
  async fetch(request, env, context) {
    switch (new URL(request.url).pathname) {
      case "/step":
        steps = request.method === "DELETE" ? 0 : steps + 1;
        return Response.json(state);
      case "/state":
        return Response.json(state satisfies StreamingState);
    }
    app ??= createApp(createServices(env, { createTask: async () => task }));
    return app.fetch(request, env, context);
  },
} satisfies ExportedHandler<Env>;
