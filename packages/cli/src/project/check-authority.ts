import type { Problem } from "./check.ts";
import type { DurableObjectMigration, ProjectConfig } from "./project-config.ts";

const BINDING = "KEYS";
const CLASS = "KeyAuthority";
const TABLES = `[[durable_objects.bindings]] with name = "${BINDING}" and class_name = "${CLASS}", and [[migrations]] with tag = "key-authority" and new_sqlite_classes = ["${CLASS}"]`;

/** Whether the Worker has the Durable Object of the API keys, and a migration that creates its class with a database. */
export function* authorityProblems(
  { durable_objects: objects, migrations = [] }: ProjectConfig,
  file: string,
): Iterable<Problem> {
  const binding = objects?.bindings.find(({ name }) => name === BINDING);
  if (!binding) {
    yield {
      status: "warn",
      message: `${file} has no Durable Object binding ${BINDING}: there are no API keys but the secret ADMIN_KEY`,
      remedy: `add ${TABLES}`,
    };
    return;
  }
  // Another Worker has the class, and its migration.
  if (binding.script_name !== undefined) return;
  const name = binding.class_name;
  const storage = storageOf(name, migrations);
  if (storage === "sqlite") return;
  yield {
    status: "fail",
    message:
      storage === "none"
        ? `${file} has no migration that creates ${name}, the class of ${BINDING}`
        : `${file} creates ${name}, the class of ${BINDING}, without a database`,
    remedy:
      storage === "none"
        ? `add [[migrations]] with a tag of its own and new_sqlite_classes = [${JSON.stringify(name)}]`
        : `move ${JSON.stringify(name)} from new_classes to new_sqlite_classes; where it was deployed already, delete the class by another migration before`,
  };
}

/** What the migrations, one after the other, have made of a class. */
function storageOf(
  name: string,
  migrations: readonly DurableObjectMigration[],
): "sqlite" | "key-value" | "none" {
  let current = name;
  for (const migration of migrations.toReversed()) {
    if (migration.new_sqlite_classes?.includes(current)) return "sqlite";
    if (migration.new_classes?.includes(current)) return "key-value";
    // Moved from another Worker, whose migrations have created it.
    if (migration.transferred_classes?.some(({ to }) => to === current)) return "sqlite";
    current = migration.renamed_classes?.find(({ to }) => to === current)?.from ?? current;
  }
  return "none";
}
