import { serve, serveOptionsOf } from "../packages/cli/src/local/serve.ts";
import { exitWith } from "../packages/cli/src/local/user-error.ts";
import { checkout } from "./project.ts";

/** `npm start`: seeds models/ and serves the models on this machine. */
await serve(checkout, serveOptionsOf(process.env)).catch(exitWith);
