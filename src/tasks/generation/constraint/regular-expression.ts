import { ANY_CHARACTER, type CodePoints, complement, MAX_CODE_POINT, unite } from "./characters.ts";

/** A regular expression of ECMA-262, as far as it can be an automaton. */
export type Expression =
  | { readonly type: "characters"; readonly characters: CodePoints }
  | { readonly type: "sequence"; readonly parts: readonly Expression[] }
  | { readonly type: "choice"; readonly choices: readonly Expression[] }
  | { readonly type: "repeat"; readonly of: Expression; readonly min: number; readonly max: number }
  | { readonly type: "anchor"; readonly at: "start" | "end" };

const DIGITS: CodePoints = [[0x30, 0x39]];
const WORD: CodePoints = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
const SPACES: CodePoints = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const LINE_ENDS: CodePoints = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];

const CLASSES: Readonly<Record<string, CodePoints>> = {
  d: DIGITS,
  D: complement(DIGITS),
  w: WORD,
  W: complement(WORD),
  s: SPACES,
  S: complement(SPACES),
};
const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, "0": 0 };

/** How deep groups may be inside one another. */
const MAX_GROUPS = 32;

/**
 * @param source read in Unicode mode, by code points
 * @throws SyntaxError that names what is wrong or not supported, and where
 */
export function parseRegularExpression(source: string): Expression {
  return new Parser(source).parse();
}

class Parser {
  readonly #source: readonly string[];
  #at = 0;
  #groups = 0;

  constructor(source: string) {
    this.#source = Array.from(source);
  }

  parse(): Expression {
    const expression = this.#choice();
    if (this.#at < this.#source.length) throw this.#error(`unexpected "${this.#peek()}"`);
    return expression;
  }

  #choice(): Expression {
    const choices = [this.#sequence()];
    while (this.#take("|")) choices.push(this.#sequence());
    const [only] = choices;
    return choices.length === 1 && only ? only : { type: "choice", choices };
  }

  #sequence(): Expression {
    const parts: Expression[] = [];
    for (;;) {
      const next = this.#peek();
      if (next === undefined || next === "|" || next === ")") break;
      parts.push(this.#repeated(this.#atom()));
    }
    return { type: "sequence", parts };
  }

  #repeated(of: Expression): Expression {
    const bounds = this.#quantifier();
    if (!bounds) return of;
    if (of.type === "anchor") throw this.#error("an anchor cannot be repeated");
    // A lazy quantifier accepts the same texts.
    this.#take("?");
    const [min, max] = bounds;
    return { type: "repeat", of, min, max };
  }

  #quantifier(): [min: number, max: number] | undefined {
    if (this.#take("*")) return [0, Number.POSITIVE_INFINITY];
    if (this.#take("+")) return [1, Number.POSITIVE_INFINITY];
    if (this.#take("?")) return [0, 1];
    if (!this.#take("{")) return undefined;
    const min = this.#number();
    let max = min;
    if (this.#take(",")) max = this.#peek() === "}" ? Number.POSITIVE_INFINITY : this.#number();
    this.#expect("}");
    if (max < min) throw this.#error("a quantifier whose numbers are out of order");
    return [min, max];
  }

  #number(): number {
    let digits = "";
    while (/^\d$/.test(this.#peek() ?? "")) digits += this.#next();
    if (digits === "" || digits.length > 6) throw this.#error("a number was expected");
    return Number(digits);
  }

  #atom(): Expression {
    const letter = this.#next();
    switch (letter) {
      case "^":
        return { type: "anchor", at: "start" };
      case "$":
        return { type: "anchor", at: "end" };
      case "(":
        return this.#group();
      case "[":
        return { type: "characters", characters: this.#class() };
      case ".":
        return { type: "characters", characters: complement(LINE_ENDS) };
      case "\\":
        return { type: "characters", characters: this.#escape() };
      case "*":
      case "+":
      case "?":
      case "{":
      case "}":
      case "]":
        throw this.#error(`unexpected "${letter}"`);
      default:
        return { type: "characters", characters: single(letter) };
    }
  }

  #group(): Expression {
    if (this.#take("?")) {
      const kind = this.#next();
      if (kind === "<" && !["=", "!"].includes(this.#peek() ?? "")) {
        while (this.#next() !== ">") {
          // The name of the group.
        }
      } else if (kind !== ":") throw this.#error("lookaround and flags are not supported");
    }
    this.#groups += 1;
    if (this.#groups > MAX_GROUPS)
      throw this.#error(`more than ${MAX_GROUPS} groups inside one another`);
    const inside = this.#choice();
    this.#groups -= 1;
    this.#expect(")");
    return inside;
  }

  #class(): CodePoints {
    const isNegated = this.#take("^");
    const ranges: (readonly [number, number])[] = [];
    while (!this.#take("]")) {
      const first = this.#classCharacters();
      const [from] = first;
      if (this.#peek() !== "-" || this.#peek(1) === "]" || !isSingle(first) || !from) {
        ranges.push(...first);
        continue;
      }
      this.#next();
      const [to] = this.#classCharacters();
      if (!to || to[0] !== to[1] || to[0] < from[0]) throw this.#error("a range out of order");
      ranges.push([from[0], to[0]]);
    }
    return isNegated ? complement(ranges) : unite(ranges);
  }

  #classCharacters(): CodePoints {
    const letter = this.#next();
    if (letter !== "\\") return single(letter);
    return this.#take("b") ? [[8, 8]] : this.#escape();
  }

  #escape(): CodePoints {
    const letter = this.#next();
    const ofClass = CLASSES[letter];
    if (ofClass) return ofClass;
    const control = CONTROLS[letter];
    if (control !== undefined) {
      if (letter === "0" && /^\d$/.test(this.#peek() ?? ""))
        throw this.#error("octal escapes are not supported");
      return [[control, control]];
    }
    if (letter === "x") return this.#codePoint(this.#hex(2));
    if (letter === "u") return this.#unicode();
    if (letter === "c") {
      const name = this.#next();
      if (!/^[A-Za-z]$/.test(name)) throw this.#error("\\c without a letter");
      return this.#codePoint(name.charCodeAt(0) % 32);
    }
    if (/^[1-9k]$/.test(letter)) throw this.#error("references to groups are not supported");
    if (letter === "b" || letter === "B") throw this.#error("word boundaries are not supported");
    if (letter === "p" || letter === "P")
      throw this.#error("properties of Unicode are not supported");
    if (/^[A-Za-z]$/.test(letter)) throw this.#error(`the escape \\${letter} is unknown`);
    return single(letter);
  }

  #unicode(): CodePoints {
    if (this.#take("{")) {
      let digits = "";
      while (this.#peek() !== "}") digits += this.#next();
      this.#next();
      const code = /^[0-9A-Fa-f]{1,8}$/.test(digits) ? Number.parseInt(digits, 16) : Number.NaN;
      if (!(code <= MAX_CODE_POINT)) throw this.#error("\\u{} without a code point");
      return this.#codePoint(code);
    }
    const code = this.#hex(4);
    const isLead = code >= 0xd800 && code <= 0xdbff;
    if (!isLead || this.#peek() !== "\\" || this.#peek(1) !== "u") return this.#codePoint(code);
    const before = this.#at;
    this.#at += 2;
    const trail = this.#hex(4);
    if (trail >= 0xdc00 && trail <= 0xdfff)
      return this.#codePoint(0x10000 + (code - 0xd800) * 0x400 + (trail - 0xdc00));
    this.#at = before;
    return this.#codePoint(code);
  }

  #codePoint(code: number): CodePoints {
    return [[code, code]];
  }

  #hex(length: number): number {
    let digits = "";
    for (let index = 0; index < length; index++) digits += this.#next();
    if (!/^[0-9A-Fa-f]+$/.test(digits)) throw this.#error("hexadecimal digits were expected");
    return Number.parseInt(digits, 16);
  }

  #peek(ahead = 0): string | undefined {
    return this.#source[this.#at + ahead];
  }

  #next(): string {
    const letter = this.#source[this.#at];
    if (letter === undefined) throw this.#error("it ends too early");
    this.#at += 1;
    return letter;
  }

  #take(letter: string): boolean {
    if (this.#peek() !== letter) return false;
    this.#at += 1;
    return true;
  }

  #expect(letter: string): void {
    if (!this.#take(letter)) throw this.#error(`"${letter}" was expected`);
  }

  #error(message: string): SyntaxError {
    return new SyntaxError(`${message}, at character ${this.#at}`);
  }
}

function single(letter: string): CodePoints {
  const code = letter.codePointAt(0) as number;
  return [[code, code]];
}

function isSingle(characters: CodePoints): boolean {
  const [first] = characters;
  return characters.length === 1 && first !== undefined && first[0] === first[1];
}

/** Any texts of a length, in characters. */
export function textsOfLength(min: number, max: number): Expression {
  return {
    type: "sequence",
    parts: [
      { type: "anchor", at: "start" },
      { type: "repeat", of: { type: "characters", characters: ANY_CHARACTER }, min, max },
      { type: "anchor", at: "end" },
    ],
  };
}
