/** Digits and signs of 5 by 7 pixels, rows from the top, the leftmost pixel the highest bit. */
const GLYPHS: Readonly<Record<string, readonly number[]>> = {
  "0": [14, 17, 19, 21, 25, 17, 14],
  "1": [4, 12, 4, 4, 4, 4, 14],
  "2": [14, 17, 1, 2, 4, 8, 31],
  "3": [31, 2, 4, 2, 1, 17, 14],
  "4": [2, 6, 10, 18, 31, 2, 2],
  "5": [31, 16, 30, 1, 1, 17, 14],
  "6": [6, 8, 16, 30, 17, 17, 14],
  "7": [31, 1, 2, 4, 8, 8, 8],
  "8": [14, 17, 17, 14, 17, 17, 14],
  "9": [14, 17, 17, 15, 1, 2, 12],
  ".": [0, 0, 0, 0, 0, 12, 12],
  "-": [0, 0, 0, 31, 0, 0, 0],
  "+": [0, 4, 4, 31, 4, 4, 0],
  e: [0, 0, 14, 17, 31, 16, 14],
};

const ROWS = 7;
const COLUMNS = 5;
/** With the space after it. */
const ADVANCE = 6;

export interface DigitText {
  readonly text: string;
  readonly left: number;
  readonly top: number;
  /** Pixels of a point. */
  readonly scale: number;
}

export function digitsWidth(text: string, scale: number): number {
  return (text.length * ADVANCE - 1) * scale;
}

export function digitsHeight(scale: number): number {
  return ROWS * scale;
}

/** @param paint called for each pixel */
export function drawDigits(
  { text, left, top, scale }: DigitText,
  paint: (x: number, y: number) => void,
): void {
  for (const [index, letter] of [...text].entries())
    for (let row = 0; row < ROWS * scale; row++)
      for (let column = 0; column < COLUMNS * scale; column++) {
        const bits = GLYPHS[letter]?.[Math.floor(row / scale)] ?? 0;
        if ((bits >> (COLUMNS - 1 - Math.floor(column / scale))) & 1)
          paint(left + index * ADVANCE * scale + column, top + row);
      }
}
