// The Tail Worker, which is deployed by itself: node_modules/onnxflare/dist/docs/tail.md. Without it everything else works.
import { createTail } from "onnxflare/tail";

export default createTail();
