import type { Problem } from "./check.ts";
import type { DurableObjectMigration, ProjectConfig } from "./project-config.ts";

/** A Durable Object of the service. */
export interface DurableObjectOf {
  readonly binding: string;
  readonly className: string;
  /** Of the migration that creates its class. */
  readonly tag: string;
  /** What the service does without it. */
  readonly without: string;
}

export const AUTHORITY: DurableObjectOf = {
  binding: "KEYS",
  className: "KeyAuthority",
  tag: "key-authority",
  without: "there are no API keys but the secret ADMIN_KEY",
};

export const COLLECTOR: DurableObjectOf = {
  binding: "METRICS",
  className: "MetricsCollector",
  tag: "metrics-collector",
  without: "nothing is collected of all isolates",
};

/** Whether the Worker has a Durable Object of the service, and a migration that creates its class with a database. */
export function* objectProblems(
  { binding: bindingName, className, tag, without }: DurableObjectOf,
  { durable_objects: objects, migrations = [] }: ProjectConfig,
  file: string,
): Iterable<Problem> {
  const binding = objects?.bindings.find(({ name }) => name === bindingName);
  if (!binding) {
    yield {
      status: "warn",
      message: `${file} has no Durable Object binding ${bindingName}: ${without}`,
      remedy: `add [[durable_objects.bindings]] with name = "${bindingName}" and class_name = "${className}", and [[migrations]] with tag = "${tag}" and new_sqlite_classes = ["${className}"]`,
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
        ? `${file} has no migration that creates ${name}, the class of ${bindingName}`
        : `${file} creates ${name}, the class of ${bindingName}, without a database`,
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
