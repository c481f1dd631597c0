import { expect, test } from "vitest";
import { languageOf } from "../../../../src/domain/statistics/text-language.ts";

// Article 1 of the Universal Declaration of Human Rights; scripts by ISO 15924.
test.each([
  ["All human beings are born free", "und-Latn"],
  ["Tất cả mọi người sinh ra đều được tự do", "und-Latn"],
  ["Все люди рождаются свободными", "und-Cyrl"],
  ["Όλοι οι άνθρωποι γεννιούνται ελεύθεροι", "el"],
  ["すべての人間は、生まれながらにして自由であり", "ja"],
  ["国民の権利及び義務に関する法律", "ja"],
  ["人人生而自由，在尊严和权利上一律平等", "und-Hani"],
  ["모든 인간은 태어날 때부터 자유로우며", "ko"],
  ["يولد جميع الناس أحرارا", "und-Arab"],
  ["כל בני האדם נולדו בני חורין", "und-Hebr"],
  ["सभी मनुष्यों को गौरव", "und-Deva"],
  ["เราทุกคนเกิดมาอย่างอิสระ", "th"],
  ["12345 !? \u{1f600}", "und"],
  ["", "und"],
])("%j is in %s", (text, tag) => {
  expect(languageOf(text)).toBe(tag);
});

test("a text of a hundred thousand characters is looked at in places", () => {
  expect(languageOf("слово ".repeat(100_000))).toBe("und-Cyrl");
});
