import type { TailEnv } from "./env.ts";
import { createTail } from "./tail-library.ts";

/** The Tail Worker of the Worker of `index.ts`: docs/tail.md. */
export default createTail() satisfies ExportedHandler<TailEnv>;
