import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { readSigningKey, signFiles } from "../packages/cli/src/signing/sign-version.ts";
import { checkSignedFiles } from "../src/domain/signature/manifest-signature.ts";
import { parsePublicKeys } from "../src/domain/signature/public-key.ts";
import type { SignedFile } from "../src/domain/signature/statement.ts";
import { toVerifyingKey, verifyBundle } from "../src/domain/signature/verify-bundle.ts";

/**
 * The client that the conformance suite of OpenSSF model signing calls, for keys without certificates: signs and verifies the files of a
 * folder with the code that signs and verifies versions. README.md of this folder says how to run the suite.
 */
const DEFAULT_IGNORED = [".git", ".gitattributes", ".github", ".gitignore"];

interface Folder {
  readonly files: readonly SignedFile[];
  readonly ignored: readonly string[];
}

/** The files of a folder, or of one file, by the rules of the specification, section 6. */
function readFolder(path: string, ignoredPaths: readonly string[]): Folder {
  const root = resolve(path);
  if (!lstatSync(root).isDirectory())
    return { files: [toFile(root, basename(root))], ignored: DEFAULT_IGNORED };
  const own = ignoredPaths.map((each) => relative(root, resolve(each)));
  const ignored = [...DEFAULT_IGNORED, ...own.filter((each) => !each.startsWith(".."))];
  const files = listFiles(root, "", ignored).map((name) => toFile(join(root, name), name));
  if (files.length === 0) throw new Error("the folder has no files");
  return { files, ignored };
}

function listFiles(root: string, folder: string, ignored: readonly string[]): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (ignored.includes(path)) return [];
    if (entry.isSymbolicLink()) throw new Error(`${path} is a symbolic link`);
    return entry.isDirectory() ? listFiles(root, path, ignored) : [path];
  });
}

function toFile(file: string, path: string): SignedFile {
  return { path, sha256: createHash("sha256").update(readFileSync(file)).digest("hex") };
}

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      method: { type: "string" },
      "model-path": { type: "string", default: "" },
      "output-bundle": { type: "string", default: "" },
      bundle: { type: "string", default: "" },
      "private-key": { type: "string", default: "" },
      "public-key": { type: "string", default: "" },
      "cert-chain": { type: "string", multiple: true },
      "signing-cert": { type: "string" },
      "ignore-paths": { type: "string", multiple: true, default: [] },
      "ignore-unsigned-files": { type: "boolean", default: false },
      identity: { type: "string" },
      "identity-provider": { type: "string" },
      "identity-token": { type: "string" },
      "use-staging": { type: "boolean" },
    },
  });
  if (values.method !== "key") throw new Error(`the method ${values.method} is not supported`);
  const path = values["model-path"];
  const bundleFile = values["output-bundle"] || values.bundle;
  const { files, ignored } = readFolder(path, [...values["ignore-paths"], bundleFile]);
  if (positionals[0] === "sign-model") {
    const key = await readSigningKey(values["private-key"]);
    const bundle = await signFiles(basename(resolve(path)), files, ignored, key);
    writeFileSync(bundleFile, JSON.stringify(bundle));
    return;
  }
  const keys = parsePublicKeys(pemOf(readFileSync(values["public-key"], "utf8")));
  const verifyingKeys = await Promise.all(keys.map(toVerifyingKey));
  const signed = await verifyBundle(JSON.parse(readFileSync(bundleFile, "utf8")), verifyingKeys);
  // Bundles before version 1.1 name a single file so.
  const isOneFile = signed.length === 1 && signed[0]?.path === ".";
  const actual = isOneFile ? files.map((file) => ({ ...file, path: "." })) : files;
  const names = new Set(signed.map((file) => file.path));
  const isUnsigned = (file: SignedFile): boolean => !names.has(file.path);
  const counted = values["ignore-unsigned-files"]
    ? actual.filter((file) => !isUnsigned(file))
    : actual;
  checkSignedFiles(counted, signed);
}

/** Some files of the suite have a text for people before the PEM. */
function pemOf(text: string): string {
  return text.slice(text.indexOf("-----BEGIN"));
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
