/** A normal form of Unicode (https://unicode.org/reports/tr15/). */
export type NormalForm = "NFC" | "NFD" | "NFKC" | "NFKD";

/**
 * What may follow another character within one unit of normalization: marks, and what decomposes to one or composes with
 * the character before it.
 */
const JOINING = /[\p{M}\u1160-\u11ff\u3131-\u3163\uff9e-\uffdc\u{16d67}\u{16d68}]/u;
/** No joining character is below. */
const FIRST_JOINING = 0x300;
/** The bound of the stream-safe text format (UAX #15, 13); words have far fewer. */
const MAX_NATIVE_RUN = 30;

/**
 * The same text as `text.normalize(form)`, whose time is quadratic in the length of a run of combining marks (measured:
 * 2.7 s for 65,536 of them), in linear time: long runs are ordered and composed here.
 */
export function toNormalForm(text: string, form: NormalForm): string {
  let normalized = "";
  let rest = 0;
  for (const { start, end } of longRuns(text)) {
    // No normal form depends on what is across the beginning of a run, or across its end.
    normalized +=
      text.slice(rest, start).normalize(form) + normalizeRun(text.slice(start, end), form);
    rest = end;
  }
  return rest === 0 ? text.normalize(form) : normalized + text.slice(rest).normalize(form);
}

/** Whether the character at a position is normalized together with what is before it, or is half of a surrogate pair. */
export function isJoining(text: string, at: number): boolean {
  const point = text.codePointAt(at) ?? 0;
  if ((point & 0xfc00) === 0xdc00) return true;
  return point >= FIRST_JOINING && JOINING.test(String.fromCodePoint(point));
}

/** Runs of more joining characters than are left to the engine, each with the character before it. */
function* longRuns(text: string): Generator<{ start: number; end: number }> {
  let before = 0;
  let start = 0;
  let length = 0;
  for (let at = 0; at < text.length; ) {
    const point = text.codePointAt(at) ?? 0;
    const next = at + (point > 0xffff ? 2 : 1);
    if (point >= FIRST_JOINING && JOINING.test(text.slice(at, next))) {
      if (length === 0) start = before;
      length++;
    } else {
      if (length > MAX_NATIVE_RUN) yield { start, end: at };
      length = 0;
      before = at;
    }
    at = next;
  }
  if (length > MAX_NATIVE_RUN) yield { start, end: text.length };
}

function normalizeRun(run: string, form: NormalForm): string {
  const decomposition = form === "NFC" || form === "NFD" ? "NFD" : "NFKD";
  const points: string[] = [];
  for (const point of run) for (const part of point.normalize(decomposition)) points.push(part);
  const ordered = order(points);
  return (form === decomposition ? ordered : compose(ordered)).join("");
}

/** The marks after each starter by their classes; those of one class stay in their order. */
function order(points: readonly string[]): string[] {
  const ordered: string[] = [];
  const byClass: string[][] = [];
  const flush = (): void => {
    for (const marks of byClass) if (marks) for (const mark of marks) ordered.push(mark);
    byClass.length = 0;
  };
  for (const point of points) {
    const rank = rankOf(point);
    if (rank > 0) {
      byClass[rank] ??= [];
      byClass[rank].push(point);
      continue;
    }
    flush();
    ordered.push(point);
  }
  flush();
  return ordered;
}

/** Composes each character with the last starter, unless one between blocks it (Unicode, D117). */
function compose(points: readonly string[]): string[] {
  const composed: string[] = [];
  let starter = -1;
  /** Of the last character after the starter, 0 when there is none. */
  let lastRank = 0;
  for (const point of points) {
    const rank = rankOf(point);
    if (starter >= 0 && (lastRank === 0 || rank > lastRank)) {
      const both = `${composed[starter]}${point}`.normalize("NFC");
      if (both.length === charLength(both)) {
        composed[starter] = both;
        continue;
      }
    }
    composed.push(point);
    if (rank === 0) starter = composed.length - 1;
    lastRank = rank;
  }
  return composed;
}

/** The length of the first character in code units. */
function charLength(text: string): number {
  return (text.codePointAt(0) ?? 0) > 0xffff ? 2 : 1;
}

/** A mark of each canonical combining class but 0, by their classes; JavaScript has no property of that name. */
const CLASSES = Array.from(
  "\u0334\u{16ff0}\u093c\u3099\u094d\u05b0\u05b1\u05b2\u05b3\u05b4\u05b5\u05b6\u05b7\u05b8\u05b9\u05bb\u05bc\u05bd\u05bf\u05c1\u05c2\ufb1e\u064b\u064c\u064d\u0618\u0619\u061a\u0651\u0652\u0670\u0711\u0c55\u0c56\u0e38\u0e48\u0eb8\u0ec8\u0f71\u0f72\u0f74\u0321\u1dce\u031b\u1dfa\u0316\u059a\u302e\u{1d16d}\u05ae\u0300\u0315\u035c\u035d\u0345",
);
const ranks = new Map<string, number>();

/** 0 for a starter; otherwise the greater, the higher its class. */
function rankOf(point: string): number {
  const known = ranks.get(point);
  if (known !== undefined) return known;
  // Whatever has a class is a mark, once it is decomposed.
  if (!/\p{M}/u.test(point)) return 0;
  const rank = findRank(point);
  ranks.set(point, rank);
  return rank;
}

/** The engine exchanges two marks of which the first has the higher class. */
function findRank(mark: string): number {
  const last = CLASSES.at(-1) ?? "";
  if (mark !== last && !isExchanged(last, mark) && !isExchanged(mark, CLASSES[0] ?? "")) return 0;
  let low = 0;
  let high = CLASSES.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const known = CLASSES[middle] ?? "";
    if (isExchanged(known, mark)) high = middle;
    else if (isExchanged(mark, known)) low = middle + 1;
    else return 2 * middle + 2;
  }
  // A class that Unicode has got since.
  return 2 * low + 1;
}

function isExchanged(first: string, second: string): boolean {
  return (first + second).normalize("NFD") !== first + second;
}
