/** The ends of ColorBrewer's RdBu, which readers who see no red or green tell apart. */
const POSITIVE = [178, 24, 43] as const;
const NEGATIVE = [33, 102, 172] as const;
/** Of the picture below, at the largest value. */
const COVER = 0.75;
/** Of a picture's colours what is left: grey lets the map stand out. */
const COLOUR = 0.35;

/**
 * The colour of a value over a pixel.
 * @param value from -1 to 1
 * @param levels red, green and blue of the pixel, at an offset
 */
export function heatColour(
  value: number,
  levels: ArrayLike<number>,
  offset: number,
): [number, number, number] {
  const ink = value < 0 ? NEGATIVE : POSITIVE;
  const cover = COVER * Math.min(1, Math.abs(value));
  const [red = 0, green = 0, blue = 0] = [levels[offset], levels[offset + 1], levels[offset + 2]];
  const grey = 0.299 * red + 0.587 * green + 0.114 * blue;
  const mix = (level: number, of: number): number => {
    const faded = grey + COLOUR * (level - grey);
    return Math.round(faded * (1 - cover) + of * cover);
  };
  return [mix(red, ink[0]), mix(green, ink[1]), mix(blue, ink[2])];
}
