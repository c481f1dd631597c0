import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { KeyValueStore, ModelBucket } from "../../scripts/local-worker.ts";
import type { ObjectStore } from "../../src/domain/object-store.ts";
import { derivePrivacyKey } from "../../src/privacy/privacy-keys.ts";
import { createEncryptedObjectStore } from "../../src/storage/encrypted-object-store.ts";
import { KeyRing } from "../../src/storage/encryption/key-ring.ts";
import { createR2ObjectStore } from "../../src/storage/r2-object-store.ts";

/** Everything that a deployment has stored, as texts by where they were found. */
export interface WholeState {
  /** Where a text is. */
  find(text: string): readonly string[];
  readonly places: ReadonlyMap<string, string>;
}

export interface StoredWhere {
  readonly bucket: ModelBucket;
  readonly kv: KeyValueStore;
  /** The folder in which the simulation of the platform has its files: those of Durable Objects and of the Cache API. */
  readonly folder: string;
  /** With which captures are decrypted, so that they can be searched. */
  readonly privacyKey: string;
}

/** Of large objects that never change, by key and entity tag: models are read once. */
const read = new Map<string, string>();

/** Reads the bucket, KV, and the databases and files of Durable Objects and of the Cache API. */
export async function readWholeState({
  bucket,
  kv,
  folder,
  privacyKey,
}: StoredWhere): Promise<WholeState> {
  const places = new Map<string, string>();
  const secret = new Uint8Array(Buffer.from(privacyKey, "base64"));
  const ring = new KeyRing(await derivePrivacyKey(secret, "captures"));
  const objects = createR2ObjectStore(bucket as unknown as R2Bucket);
  const decrypted = createEncryptedObjectStore(objects, ring);
  for await (const { key, etag } of objects.list("")) {
    const store = key.startsWith("captures/") ? decrypted : objects;
    const text = read.get(`${key} ${etag}`) ?? toText(await readObject(store, key));
    read.set(`${key} ${etag}`, text);
    places.set(`R2 ${key}`, key + text);
  }
  for (const { name, metadata } of (await kv.list()).keys) {
    const value = await kv.get(name, "arrayBuffer");
    const text = toText(new Uint8Array(value ?? new ArrayBuffer()));
    places.set(`KV ${name}`, `${name} ${JSON.stringify(metadata)} ${text}`);
  }
  for (const path of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    // R2 and KV are read by their own interfaces.
    if (/^(?:r2|kv)\//.test(path) || !/^[^/]+\/.*[^/]$/.test(path)) continue;
    const file = join(folder, path);
    if (path.endsWith(".sqlite")) places.set(path, readDatabase(file));
    else if (!/\.sqlite-(?:wal|shm)$/.test(path) && isFile(file))
      places.set(path, toText(readFileSync(file)));
  }
  return {
    places,
    find: (text) => [...places].filter(([, held]) => held.includes(text)).map(([place]) => place),
  };
}

async function readObject(store: ObjectStore, key: string): Promise<Uint8Array> {
  const object = await store.get(key);
  return object ? new Response(object.body).bytes() : new Uint8Array();
}

/** The rows of all tables, of a copy: the database is in use. */
function readDatabase(file: string): string {
  const copies = mkdtempSync(join(tmpdir(), "onnxflare-state-"));
  try {
    for (const suffix of ["", "-wal"])
      if (existsSync(file + suffix))
        copyFileSync(file + suffix, join(copies, basename(file) + suffix));
    const database = new DatabaseSync(join(copies, basename(file)));
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    const rows = tables.map(({ name }) => {
      const statement = database.prepare(`SELECT * FROM "${name}"`);
      // The times of alarms are nanoseconds.
      statement.setReadBigInts(true);
      return [name, statement.all().map(toTexts)];
    });
    database.close();
    return JSON.stringify(rows);
  } finally {
    rmSync(copies, { recursive: true });
  }
}

function toTexts(row: object): object {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      value instanceof Uint8Array
        ? toText(value)
        : typeof value === "bigint"
          ? String(value)
          : value,
    ]),
  );
}

function isFile(path: string): boolean {
  return existsSync(path) && readdirIfFolder(path) === undefined;
}

function readdirIfFolder(path: string): readonly string[] | undefined {
  try {
    return readdirSync(path);
  } catch {
    return undefined;
  }
}

/** Each byte is a character, so that no text is lost between others. */
function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}
