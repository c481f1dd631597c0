/** Red, green and blue. */
export type Colour = readonly [number, number, number];

/**
 * The colour of a label in drawn answers: the palette of PASCAL VOC, which torchvision's and others' pictures of masks have. Bits of
 * the index become the high bits of the channels, three at a time.
 * @param index from 0 on; 0 is VOC's first colour after black
 */
export function labelColour(index: number): Colour {
  let rest = (index % 255) + 1;
  const colour: [number, number, number] = [0, 0, 0];
  for (let bit = 7; rest > 0; bit--, rest >>= 3)
    for (const channel of [0, 1, 2] as const) colour[channel] |= ((rest >> channel) & 1) << bit;
  return colour;
}
