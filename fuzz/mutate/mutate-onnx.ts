import type { Random } from "../random.ts";
import { hostileText } from "./hostile-text.ts";
import { mutateBytes, overwrite } from "./mutate-bytes.ts";
import { ONNX_FIELDS, ONNX_MESSAGES, OPERATORS } from "./onnx-schema.ts";
import { type Content, type Field, parseMessage, writeMessage } from "./protobuf.ts";

/** A field, and the message that contains it. */
interface Place {
  readonly type: string;
  readonly siblings: Field[];
  readonly index: number;
  readonly field: Field;
}

type Mutation = (place: Place, random: Random, places: readonly Place[]) => void;

const EDGES = [
  0n,
  1n,
  2n,
  3n,
  7n,
  8n,
  16n,
  100n,
  127n,
  128n,
  255n,
  256n,
  65_536n,
  1_000_000n,
  1n << 31n,
  (1n << 31n) - 1n,
  1n << 32n,
  1n << 62n,
  (1n << 63n) - 1n,
  1n << 63n,
  (1n << 64n) - 1n,
  (1n << 64n) - 2n,
  (1n << 64n) - 128n,
];
const NODE_OPERATOR = 4;

/** Changes a model at one to three of its fields, or its bytes. */
export function mutateOnnx(bytes: Uint8Array, random: Random): Uint8Array {
  if (random.chance(0.12)) return mutateBytes(bytes, random);
  const model = parseMessage(bytes, ONNX_MESSAGES, "Model");
  for (let left = random.pick([1, 1, 1, 2, 3]); left > 0; left--) {
    const places = listPlaces(model, "Model", []);
    if (places.length === 0) break;
    // Half of the time a field with a meaning of its own, since most fields are numbers in long lists.
    const semantic = random.chance(0.5)
      ? places.filter(({ type, field }) => meaning(type, field))
      : places;
    const place = random.pick(semantic.length > 0 ? semantic : places);
    random.pick(MUTATIONS)(place, random, places);
  }
  const written = writeMessage(model);
  return random.chance(0.05) ? written.subarray(0, random.below(written.length)) : written;
}

function listPlaces(siblings: Field[], type: string, places: Place[]): Place[] {
  for (const [index, field] of siblings.entries()) {
    places.push({ type, siblings, index, field });
    if ("fields" in field.content) listPlaces(field.content.fields, field.content.type, places);
  }
  return places;
}

/** Whether the field is a name, a type, a shape, an operator or a version. */
function meaning(type: string, { number, content }: Field): boolean {
  if (type === "Attribute") return number === 1 || number === 20 || number === 3;
  if (type === "Tensor") return number !== 4 && number !== 7 && number !== 9;
  return (
    content.wire === 0 || /^(Node|OperatorSet|ValueInfo|Dimension|Graph|TensorType)$/.test(type)
  );
}

const MUTATIONS: readonly Mutation[] = [
  changeContent,
  changeContent,
  changeContent,
  changeContent,
  ({ siblings, index }) => siblings.splice(index, 1),
  ({ siblings, field }, random) =>
    siblings.splice(random.below(siblings.length + 1), 0, structuredClone(field)),
  copyFromElsewhere,
  copyFromElsewhere,
  ({ field, type }, random) => {
    field.number = random.pick(ONNX_FIELDS[type] ?? [1, 2, 3]);
  },
  ({ field }, random) => {
    field.falseLength = random.pick([1, -1, 2, -4, 100, 2 ** 31, 2 ** 40]);
  },
  (place, random) => {
    place.siblings.push(createField(place.type, random));
  },
  repeatField,
  reorder,
];

function changeContent({ type, field }: Place, random: Random): void {
  const { content } = field;
  if (content.wire === 0) {
    content.value = random.chance(0.8)
      ? random.pick(EDGES)
      : content.value + BigInt(random.below(5) - 2);
  } else if ("fields" in content) {
    if (random.chance(0.5)) content.fields.push(createField(content.type, random));
    else content.fields.splice(random.below(content.fields.length), 1);
  } else if (type === "Node" && field.number === NODE_OPERATOR) {
    content.bytes = Buffer.from(random.pick(OPERATORS));
  } else {
    content.bytes = changeBytes(content.bytes, random);
  }
}

function changeBytes(bytes: Uint8Array, random: Random): Uint8Array {
  switch (random.below(5)) {
    case 0: {
      // An element of shapes, axes or indices, which engines allocate by.
      const element = Buffer.alloc(8);
      element.writeBigUInt64LE(random.pick(EDGES));
      return overwrite(bytes, 8 * random.below(Math.ceil(bytes.length / 8)), element);
    }
    case 4:
      return Buffer.from(hostileText(random));
    case 1:
      return bytes.subarray(0, random.below(bytes.length + 1));
    case 2:
      return Buffer.concat([bytes, random.bytes(random.pick([1, 4, 8, 100]))]);
    default:
      return mutateBytes(bytes, random);
  }
}

/** The same content as another field has, such as the name of another tensor, which makes cycles and false types. */
function copyFromElsewhere({ field }: Place, random: Random, places: readonly Place[]): void {
  const alike = places.filter(({ field: { content } }) => content.wire === field.content.wire);
  field.content = structuredClone(random.pick(alike).field.content);
}

function repeatField({ siblings, index, field }: Place, random: Random): void {
  const isLarge =
    "fields" in field.content || ("bytes" in field.content && field.content.bytes.length > 64);
  const copies = random.pick(isLarge ? [2, 20] : [2, 20, 2000]);
  siblings.splice(index, 0, ...Array.from({ length: copies }, () => structuredClone(field)));
}

function reorder({ siblings }: Place, random: Random): void {
  const [moved] = siblings.splice(random.below(siblings.length), 1);
  if (moved) siblings.splice(random.below(siblings.length + 1), 0, moved);
}

function createField(type: string, random: Random): Field {
  const number = random.pick(ONNX_FIELDS[type] ?? [1, 2, 3]);
  const inner = ONNX_MESSAGES[type]?.[number];
  if (inner) return { number, content: { wire: 2, type: inner, fields: [] } };
  const contents: Content[] = [
    { wire: 0, value: random.pick(EDGES) },
    { wire: 2, bytes: Buffer.from(hostileText(random)) },
    { wire: 2, bytes: random.bytes(random.below(20)) },
    { wire: 5, bytes: random.bytes(4) },
    { wire: 1, bytes: random.bytes(8) },
  ];
  return { number, content: random.pick(contents) };
}
