import { ANY_CHARACTER, addCharacter, addUtf8, type CodePoints, complement } from "./characters.ts";
import type { GrammarBuilder, Rule, State } from "./grammar.ts";
import { addNumber } from "./numbers.ts";

/** Rules of JSON that schemas share. */
export class JsonRules {
  readonly #builder: GrammarBuilder;
  #value: Rule | undefined;
  #object: Rule | undefined;
  #array: Rule | undefined;
  #text: Rule | undefined;
  readonly #numbers = new Map<boolean, Rule>();

  constructor(builder: GrammarBuilder) {
    this.#builder = builder;
  }

  /** Any value. */
  value(): Rule {
    if (this.#value) return this.#value;
    const rule = this.#builder.rule();
    this.#value = rule;
    for (const choice of [this.object(), this.array(), this.text(), this.number(false)])
      this.#builder.call(rule.start, choice, rule.end);
    this.#builder.literals(rule.start, ["true", "false", "null"], rule.end);
    return rule;
  }

  /** Any object. */
  object(): Rule {
    if (this.#object) return this.#object;
    const rule = this.#builder.rule();
    this.#object = rule;
    const members = this.#builder.state();
    this.#builder.literal(rule.start, "{", members);
    const written = this.#builder.state();
    const key = this.#builder.state();
    members.epsilon.push(key);
    this.addMember(key, (from, to) => this.addKey(from, [], to), this.value(), written);
    this.#builder.separator(written, ",", key);
    for (const end of [members, written]) this.#builder.literal(end, "}", rule.end);
    return rule;
  }

  array(): Rule {
    if (this.#array) return this.#array;
    const rule = this.#builder.rule();
    this.#array = rule;
    const items = this.#builder.state();
    this.#builder.literal(rule.start, "[", items);
    const written = this.#builder.state();
    const item = this.#builder.state();
    items.epsilon.push(item);
    this.#builder.call(item, this.value(), written);
    this.#builder.separator(written, ",", item);
    for (const end of [items, written]) this.#builder.literal(end, "]", rule.end);
    return rule;
  }

  /** A string, with all escapes. */
  text(): Rule {
    if (this.#text) return this.#text;
    const rule = this.#builder.rule();
    this.#text = rule;
    const inside = this.#builder.state();
    this.#builder.literal(rule.start, '"', inside);
    addAnyCharacter(this.#builder, inside);
    this.#builder.literal(inside, '"', rule.end);
    return rule;
  }

  number(isInteger: boolean): Rule {
    const known = this.#numbers.get(isInteger);
    if (known) return known;
    const rule = this.#builder.rule();
    this.#numbers.set(isInteger, rule);
    addNumber(this.#builder, rule.start, rule.end, isInteger);
    return rule;
  }

  /** A key and its value. */
  addMember(from: State, addKey: (from: State, to: State) => void, value: Rule, to: State): void {
    const [named, valued] = [this.#builder.state(), this.#builder.state()];
    addKey(from, named);
    this.#builder.separator(named, ":", valued);
    this.#builder.call(valued, value, to);
  }

  /** Any key but some names. Each has one form only, so that none of them is written in another one. */
  addKey(from: State, names: readonly string[], to: State): void {
    const root: NameLetter = { state: this.#builder.state(), next: new Map(), isName: false };
    this.#builder.literal(from, '"', root.state);
    for (const name of names) {
      let letter = root;
      for (const character of name) {
        const code = character.codePointAt(0) as number;
        let next = letter.next.get(code);
        if (!next) {
          next = { state: this.#builder.state(), next: new Map(), isName: false };
          letter.next.set(code, next);
        }
        letter = next;
      }
      letter.isName = true;
    }
    const other = this.#builder.state();
    addCharacter(this.#builder, other, ANY_CHARACTER, other);
    this.#builder.literal(other, '"', to);
    const queue = [root];
    for (const { state, next, isName } of queue) {
      if (!isName) this.#builder.literal(state, '"', to);
      const continuing: CodePoints = [...next.keys()].map((code) => [code, code]);
      addCharacter(this.#builder, state, complement(continuing), other);
      for (const [code, letter] of next) {
        addCharacter(this.#builder, state, [[code, code]], letter.state);
        queue.push(letter);
      }
    }
  }
}

interface NameLetter {
  readonly state: State;
  readonly next: Map<number, NameLetter>;
  isName: boolean;
}

const HEX = [
  [0x30, 0x39],
  [0x41, 0x46],
  [0x61, 0x66],
] as const;

/** A character of a string in any form, with whole surrogate pairs. */
function addAnyCharacter(builder: GrammarBuilder, inside: State): void {
  addUtf8(
    builder,
    inside,
    complement([
      [0, 0x1f],
      [0x22, 0x22],
      [0x5c, 0x5c],
    ]),
    inside,
  );
  const escaped = builder.state();
  builder.literal(inside, "\\", escaped);
  builder.literals(escaped, ['"', "\\", "/", "b", "f", "n", "r", "t"], inside);
  const hex = (next: State, digits = HEX as readonly (readonly [number, number])[]): State => {
    const state = builder.state();
    for (const [first, last] of digits) builder.bytes(state, first, last, next);
    return state;
  };
  const isD = [
    [0x44, 0x44],
    [0x64, 0x64],
  ] as const;
  const two = hex(hex(inside));
  const three = hex(two);
  // The second half of a pair: \uDC00 to \uDFFF.
  const trail = hex(
    hex(two, [
      [0x43, 0x46],
      [0x63, 0x66],
    ]),
    isD,
  );
  const [backslash, marked] = [builder.state(), builder.state()];
  builder.literal(backslash, "\\", marked);
  builder.literal(marked, "u", trail);
  const lead = hex(hex(backslash));
  const unicode = builder.state();
  builder.literal(escaped, "u", unicode);
  for (const [first, end] of [
    [0x30, 0x39],
    [0x41, 0x43],
    [0x45, 0x46],
    [0x61, 0x63],
    [0x65, 0x66],
  ] as const)
    builder.bytes(unicode, first, end, three);
  const afterD = builder.state();
  for (const [first, end] of isD) builder.bytes(unicode, first, end, afterD);
  builder.bytes(afterD, 0x30, 0x37, two);
  for (const [first, end] of [
    [0x38, 0x39],
    [0x41, 0x42],
    [0x61, 0x62],
  ] as const)
    builder.bytes(afterD, first, end, lead);
}
