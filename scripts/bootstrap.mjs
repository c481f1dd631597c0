// Runs a script of this project from a fresh clone, on any Node >= 20: installs the dependencies when
// package-lock.json has changed since the last install, then hands over to the Node in node_modules.
// Plain JavaScript without dependencies, because nothing is installed yet.
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

/** Runs a command to its end; answers its exit code the way a shell reports it. */
function run(command, args, options) {
  const child = spawn(command, args, { stdio: "inherit", ...options });
  // The child decides how to end, and this process ends after it. Ctrl-C in a terminal reaches the
  // child without help, and a second SIGINT would make Vitest drop its tests half-way.
  process.on("SIGINT", (signal) => process.stdin.isTTY || child.kill(signal));
  process.on("SIGTERM", (signal) => child.kill(signal));
  process.on("SIGHUP", (signal) => child.kill(signal));
  if (process.env.npm_lifecycle_event) onceOrphaned(() => child.kill("SIGTERM"));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}

/** A SIGTERM to npm ends npm and its shell, and npm does not pass it on to what the shell runs. */
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
    "onnxflare: installing dependencies (again only when package-lock.json changes) ...",
  );
  const args = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  // The output of an install is progress: standard output belongs to the script that follows.
  const options = { cwd: root, shell: windows, stdio: ["ignore", 2, 2] };
  const code = await run("npm", args, options).catch((error) =>
    fail(`npm could not be started (${error.message}); install npm and try again`),
  );
  if (code > 128) process.exit(code);
  if (code !== 0) fail("npm ci failed, see its message above");
  if (!existsSync(node)) fail("npm skipped the install scripts of its packages; run: npm rebuild");
  markInstalled();
}

/** Also called by npm after its own `npm install` and `npm ci`, which then are not repeated here. */
function markInstalled() {
  writeFileSync(stampFile, lockDigest());
}

if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE)
  fail(`Node ${OLDEST_NODE} or newer is needed, this is Node ${process.versions.node}`);

const args = process.argv.slice(2);
if (args.length === 0) fail("usage: node scripts/bootstrap.mjs <script> [arguments]");

if (args[0] === "--mark-installed") {
  markInstalled();
} else {
  if (!isInstalled()) await install();
  const env = { ...process.env, PATH: `${binFolder}${delimiter}${process.env.PATH ?? ""}` };
  process.exitCode = await run(node, args, { env });
}
