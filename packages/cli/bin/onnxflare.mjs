#!/usr/bin/env node
// In a checkout, which has src beside this folder, the command line runs from its sources, by the Node of the checkout,
// which is installed first where it is missing. In the package it is one file.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const OLDEST_NODE = [20, 12];
const source = fileURLToPath(new URL("../src/main.ts", import.meta.url));

if (existsSync(source)) {
  // Without types removed and modules compiled anew, a command starts in a third of the time.
  process.env.NODE_COMPILE_CACHE ??= fileURLToPath(
    new URL("../../../node_modules/.cache/onnxflare-cli", import.meta.url),
  );
  process.argv.splice(2, 0, source);
  await import(new URL("../../../scripts/bootstrap.mjs", import.meta.url).href);
} else {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) {
    await import(new URL("../dist/cli.js", import.meta.url).href);
  } else {
    console.error(
      `onnxflare: Node ${OLDEST_NODE.join(".")} or newer is required; this is Node ${process.versions.node}`,
    );
    process.exitCode = 1;
  }
}
