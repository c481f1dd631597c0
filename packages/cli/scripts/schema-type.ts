import * as z from "zod";

/** What of a JSON Schema the schemas of events have. */
interface JsonSchema {
  readonly description?: string;
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
}

/** The type of what a schema describes, as TypeScript writes it without zod; what is read-only in all of it. */
export function toTypeText(schema: z.ZodType): string {
  return write(z.toJSONSchema(schema, { io: "output", unrepresentable: "any" }) as JsonSchema, "");
}

function write(schema: JsonSchema, indent: string): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.map((choice) => write(choice, indent)).join(" | ");
  switch (schema.type) {
    case "integer":
    case "number":
      return "number";
    case "string":
    case "boolean":
    case "null":
      return schema.type;
    case "array":
      return `readonly (${write(schema.items ?? {}, indent)})[]`;
    case "object":
      return writeObject(schema, indent);
    default:
      return "unknown";
  }
}

function writeObject(schema: JsonSchema, indent: string): string {
  const { properties = {}, required = [], additionalProperties } = schema;
  const names = Object.keys(properties);
  if (names.length === 0)
    return `{ readonly [name: string]: ${typeof additionalProperties === "object" ? write(additionalProperties, indent) : "unknown"} }`;
  const inner = `${indent}  `;
  const fields = Object.entries(properties).map(([name, property]) => {
    const isOptional = !required.includes(name);
    const key = /^\w+$/.test(name) ? name : JSON.stringify(name);
    const type = write(property, inner);
    const comment = property.description ? `${inner}/** ${property.description} */\n` : "";
    return `${comment}${inner}readonly ${key}${isOptional ? "?" : ""}: ${type}${isOptional ? " | undefined" : ""};\n`;
  });
  return `{\n${fields.join("")}${indent}}`;
}
