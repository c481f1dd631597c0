import { describe, expect, test } from "vitest";
import { stopStrings } from "../../../../../src/domain/sampling-parameters.ts";
import { createSeededRandom } from "../../../../../src/shared/random.ts";
import { StopStrings } from "../../../../../src/tasks/generation/sampling/stop-strings.ts";

/** All pieces that come out, the last one at the end, and the stop string that was found. */
function read(stops: readonly string[], pieces: readonly string[]) {
  const reader = new StopStrings(stops);
  const texts: string[] = [];
  for (const piece of pieces) {
    const { text, stopped, stop } = reader.push(piece);
    texts.push(text);
    if (stopped) return { texts, stop };
  }
  return { texts: [...texts, reader.end()], stop: undefined };
}

describe("stop strings", () => {
  test.each<[string, string[], string[], string[], string | undefined]>([
    ["in one piece", ["STOP"], ["go on STOP here"], ["go on "], "STOP"],
    ["at the beginning", ["a"], ["abc"], [""], "a"],
    ["across pieces", ["\n\n"], ["one\n", "\ntwo"], ["one", ""], "\n\n"],
    ["across three pieces", ["abcd"], ["xa", "bc", "d!"], ["x", "", ""], "abcd"],
    ["that begin again inside themselves", ["aab"], ["a", "a", "a", "b"], ["", "", "a", ""], "aab"],
    ["of which the second occurs", ["foo", "bar"], ["fo", "b", "ar"], ["", "fo", ""], "bar"],
    ["of which one is a beginning of another", ["ab", "abc"], ["xabc"], ["x"], "ab"],
    ["of which one is inside another", ["abcd", "bc"], ["xa", "bcd"], ["x", "a"], "bc"],
    ["of which one is the end of another", ["cd", "abcd"], ["xabcd"], ["x"], "abcd"],
    ["that are not complete at the end", ["abc"], ["xab"], ["x", "ab"], undefined],
    ["that are not continued", ["abc"], ["ab", "d", "e"], ["", "abd", "e", ""], undefined],
    ["of wide characters", ["終わり"], ["はい、終", "わ", "りです"], ["はい、", "", ""], "終わり"],
    ["of a character outside the BMP", ["😀!"], ["hi 😀", "😀", "!"], ["hi ", "😀", ""], "😀!"],
    ["that share half of a character", ["😀"], ["😁", "😀"], ["😁", ""], "😀"],
    ["in an empty piece", ["ab"], ["a", "", "b"], ["", "", ""], "ab"],
    ["that are none", [], ["a", "b"], ["a", "b", ""], undefined],
  ])("%s", (_, stops, pieces, texts, stop) => {
    expect(read(stops, pieces)).toEqual({ texts, stop });
  });

  test("let nothing through after one was found", () => {
    const reader = new StopStrings(["x"]);
    expect(reader.push("ax")).toEqual({ text: "a", stopped: true, stop: "x" });
    expect(reader.push("more")).toEqual({ text: "", stopped: true, stop: "x" });
    expect(reader.end()).toBe("");
  });

  test("are those that a search in the whole text finds, however it is cut", () => {
    const random = createSeededRandom(9);
    const pick = (count: number) => Math.floor(random() * count);
    const word = (length: number) =>
      Array.from({ length }, () => ["a", "b", "é", "😀"][pick(4)]).join("");
    let found = 0;
    for (let round = 0; round < 2000; round++) {
      const stops = Array.from({ length: 1 + pick(4) }, () => word(1 + pick(5)));
      const characters = [...word(pick(40))];
      const text = characters.join("");
      const pieces: string[] = [];
      while (characters.length > 0) pieces.push(characters.splice(0, 1 + pick(5)).join(""));
      const ends = stops.map((stop) => [text.indexOf(stop) + stop.length, stop] as const);
      const [first] = ends
        .filter(([, stop]) => text.includes(stop))
        .sort(([a, one], [b, other]) => a - b || other.length - one.length);
      const expected = first ? text.slice(0, first[0] - first[1].length) : text;
      const { texts, stop } = read(stops, pieces);
      expect([texts.join(""), stop]).toEqual([expected, first?.[1]]);
      expect(texts.every((one) => one.isWellFormed())).toBe(true);
      if (first) found++;
    }
    expect(found).toBeGreaterThan(200);
  });

  test("hold back no more than their longest beginning", () => {
    const reader = new StopStrings([`${"a".repeat(256)}b`]);
    let length = 0;
    for (let piece = 0; piece < 200_000; piece++) length += reader.push("a").text.length;
    expect(length).toBe(200_000 - 256);
    expect(reader.end()).toBe("a".repeat(256));
  });

  test.each([[[""]], [["a".repeat(257)]], [new Array(17).fill("a")], [["\ud83d"]]])(
    "%j are refused in a request",
    (stops) => {
      expect(stopStrings.safeParse(stops).success).toBe(false);
    },
  );
});
