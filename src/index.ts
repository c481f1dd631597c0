import { createOnnxflare } from "./library.ts";

const { fetch } = createOnnxflare<Env>();

export default { fetch } satisfies ExportedHandler<Env>;
