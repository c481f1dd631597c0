// Runs a script of this project from a fresh clone, on any Node >= 20: installs the dependencies when
// package-lock.json has changed since the last install, then runs the script with the Node in node_modules.
// Plain JavaScript without dependencies, because it runs before the installation.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const OLDEST_NODE = 20;
const windows = process.platform === "win32";
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const binFolder = join(root, "node_modules", ".bin");
const node = join(root, "node_modules", "node", "bin", windows ? "node.exe" : "node");
const stampFile = join(root, "node_modules", ".onnxflare-installed");

function fail(message) {
  console.error(`onnxflare: ${message}`);
  process.exit(1);
}

function lockDigest() {
  const lock = readFileSync(join(root, "package-lock.json"));
  return createHash("sha256").update(lock).digest("hex");
}

function isInstalled() {
  if (!existsSync(stampFile) || !existsSync(node)) return false;
  return readFileSync(stampFile, "utf8") === lockDigest();
}

/** Runs a command. @returns its exit code, as a shell reports it: 128 + number of the signal */
function run(command, args, options) {
  const child = spawn(command, args, { stdio: "inherit", ...options });
  // Signals are forwarded, and this process exits after the child. Ctrl-C in a terminal reaches the
  // child directly, and a second SIGINT would make Vitest abort its tests.
  process.on("SIGINT", (signal) => process.stdin.isTTY || child.kill(signal));
  process.on("SIGTERM", (signal) => child.kill(signal));
  process.on("SIGHUP", (signal) => child.kill(signal));
  if (process.env.npm_lifecycle_event) onceOrphaned(() => child.kill("SIGTERM"));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}

/** A SIGTERM to npm ends npm and its shell, which do not forward it to this process. */
function onceOrphaned(stop) {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    stop();
  }, 200).unref();
}

async function install() {
  console.error(
    "onnxflare: installing dependencies (repeated only when package-lock.json changes) ...",
  );
  const args = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  // The output of the installation is progress: standard output is reserved for the script.
  const options = { cwd: root, shell: windows, stdio: ["ignore", 2, 2] };
  const code = await run("npm", args, options).catch((error) =>
    fail(`npm cannot be started (${error.message}); install npm and try again`),
  );
  if (code > 128) process.exit(code);
  if (code !== 0) fail("npm ci failed; see its output above");
  if (!existsSync(node)) fail("npm skipped the install scripts of packages; run: npm rebuild");
  markInstalled();
}

/** npm calls this after `npm install` and `npm ci` too, so that they are not repeated here. */
function markInstalled() {
  writeFileSync(stampFile, lockDigest());
}

if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE)
  fail(`Node ${OLDEST_NODE} or newer is required; this is Node ${process.versions.node}`);

const args = process.argv.slice(2);
if (args.length === 0) fail("usage: node scripts/bootstrap.mjs <script> [arguments]");

if (args[0] === "--mark-installed") {
  markInstalled();
} else {
  if (!isInstalled()) await install();
  const env = { ...process.env, PATH: `${binFolder}${delimiter}${process.env.PATH ?? ""}` };
  process.exitCode = await run(node, args, { env });
}
