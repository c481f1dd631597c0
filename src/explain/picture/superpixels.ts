import type { Picture } from "./picture.ts";
import type { PictureParts } from "./picture-parts.ts";

/** Superpixels are made of blocks of pixels, of which the longer side has so many. */
const MAX_BLOCKS = 64;
const ITERATIONS = 10;
/** What a distance in space of one superpixel counts, beside colours from 0 to 100. */
const COMPACTNESS = 10;
/** Of an average superpixel; smaller ones become a part of a neighbour. */
const LEAST_PART = 1 / 4;

/** Blocks of a picture with their mean colours. */
interface Blocks {
  readonly rows: number;
  readonly columns: number;
  readonly size: number;
  readonly channels: number;
  /** Block by block, each channel from 0 to 100. */
  readonly colours: Float64Array;
}

/**
 * Parts of a picture that have one colour: SLIC, without chance.
 * Source: Achanta et al., SLIC Superpixels Compared to State-of-the-Art Superpixel Methods, IEEE TPAMI 2012.
 */
export function superpixels(picture: Picture, wanted: number): PictureParts {
  const blocks = readBlocks(picture);
  const labels = connect(cluster(blocks, wanted), blocks, wanted);
  const count = Math.max(...labels) + 1;
  const { area, width, height } = picture;
  const { rows, columns, size } = blocks;
  const partOf = new Int16Array(width * height).fill(-1);
  for (let y = 0; y < area.height; y++)
    for (let x = 0; x < area.width; x++)
      partOf[(area.top + y) * width + area.left + x] = labels[
        Math.floor(y / size) * columns + Math.floor(x / size)
      ] as number;
  return {
    count,
    names: Array.from({ length: count }, (_, segment) => `segment ${segment}`),
    partOf,
    rows,
    columns,
    points: labels,
    isGrid: false,
  };
}

function readBlocks(picture: Picture): Blocks {
  const { area, width, channels, channelStep, pixelStep, values } = picture;
  const size = Math.ceil(Math.max(area.width, area.height) / MAX_BLOCKS);
  const rows = Math.ceil(area.height / size);
  const columns = Math.ceil(area.width / size);
  const colours = new Float64Array(rows * columns * channels);
  const counts = new Float64Array(rows * columns);
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (let y = 0; y < area.height; y++)
    for (let x = 0; x < area.width; x++) {
      const block = Math.floor(y / size) * columns + Math.floor(x / size);
      const pixel = ((area.top + y) * width + area.left + x) * pixelStep;
      counts[block] = (counts[block] as number) + 1;
      for (let channel = 0; channel < channels; channel++) {
        const value = values[pixel + channel * channelStep] as number;
        least = Math.min(least, value);
        most = Math.max(most, value);
        colours[block * channels + channel] =
          (colours[block * channels + channel] as number) + value;
      }
    }
  const range = most > least ? most - least : 1;
  for (let at = 0; at < colours.length; at++)
    colours[at] =
      (100 * ((colours[at] as number) / (counts[Math.floor(at / channels)] as number) - least)) /
      range;
  return { rows, columns, size, channels, colours };
}

/** K-means of colours and places, each centre among the blocks around it. */
function cluster({ rows, columns, channels, colours }: Blocks, wanted: number): Int16Array {
  const side = Math.sqrt((rows * columns) / Math.min(wanted, rows * columns));
  const across = Math.max(1, Math.round(columns / side));
  const down = Math.max(1, Math.round(rows / side));
  const width = channels + 2;
  const centres = new Float64Array(across * down * width);
  for (let centre = 0; centre < across * down; centre++) {
    const y = ((Math.floor(centre / across) + 0.5) * rows) / down - 0.5;
    const x = (((centre % across) + 0.5) * columns) / across - 0.5;
    const block = Math.round(y) * columns + Math.round(x);
    centres.set(colours.subarray(block * channels, (block + 1) * channels), centre * width);
    centres.set([y, x], centre * width + channels);
  }
  const labels = new Int16Array(rows * columns);
  const weight = (COMPACTNESS / side) ** 2;
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const distances = new Float64Array(labels.length).fill(Number.POSITIVE_INFINITY);
    for (let centre = 0; centre < across * down; centre++) {
      const at = centre * width;
      const cy = centres[at + channels] as number;
      const cx = centres[at + channels + 1] as number;
      const reach = 2 * side;
      const [bottom, right] = [Math.min(rows - 1, cy + reach), Math.min(columns - 1, cx + reach)];
      for (let y = Math.max(0, Math.ceil(cy - reach)); y <= bottom; y++)
        for (let x = Math.max(0, Math.ceil(cx - reach)); x <= right; x++) {
          const block = y * columns + x;
          let distance = weight * ((y - cy) ** 2 + (x - cx) ** 2);
          for (let channel = 0; channel < channels; channel++)
            distance +=
              ((colours[block * channels + channel] as number) -
                (centres[at + channel] as number)) **
              2;
          if (distance >= (distances[block] as number)) continue;
          distances[block] = distance;
          labels[block] = centre;
        }
    }
    moveCentres(centres, labels, { columns, channels, colours });
  }
  return labels;
}

function moveCentres(
  centres: Float64Array,
  labels: Int16Array,
  { columns, channels, colours }: Pick<Blocks, "columns" | "channels" | "colours">,
): void {
  const width = channels + 2;
  const sums = new Float64Array(centres.length);
  const counts = new Float64Array(centres.length / width);
  for (const [block, label] of labels.entries()) {
    const at = label * width;
    for (let channel = 0; channel < channels; channel++)
      sums[at + channel] =
        (sums[at + channel] as number) + (colours[block * channels + channel] as number);
    sums[at + channels] = (sums[at + channels] as number) + Math.floor(block / columns);
    sums[at + channels + 1] = (sums[at + channels + 1] as number) + (block % columns);
    counts[label] = (counts[label] as number) + 1;
  }
  for (let at = 0; at < centres.length; at++) {
    const count = counts[Math.floor(at / width)] as number;
    if (count > 0) centres[at] = (sums[at] as number) / count;
  }
}

/** Numbers connected parts from the top left; one that is too small becomes a part of what lies before it. */
function connect(labels: Int16Array, { rows, columns }: Blocks, wanted: number): Int16Array {
  const least = ((rows * columns) / wanted) * LEAST_PART;
  const parts = new Int16Array(labels.length).fill(-1);
  let count = 0;
  for (let start = 0; start < labels.length; start++) {
    if (parts[start] !== -1) continue;
    const members = [start];
    parts[start] = count;
    for (let next = 0; next < members.length; next++)
      for (const other of neighbours(members[next] as number, rows, columns)) {
        if (parts[other] !== -1 || labels[other] !== labels[start]) continue;
        parts[other] = count;
        members.push(other);
      }
    const before =
      start % columns > 0
        ? parts[start - 1]
        : start >= columns
          ? parts[start - columns]
          : undefined;
    if (before !== undefined && members.length < least)
      for (const member of members) parts[member] = before;
    else count++;
  }
  return parts;
}

function neighbours(block: number, rows: number, columns: number): number[] {
  const column = block % columns;
  const found: number[] = [];
  if (column > 0) found.push(block - 1);
  if (column < columns - 1) found.push(block + 1);
  if (block >= columns) found.push(block - columns);
  if (block < (rows - 1) * columns) found.push(block + columns);
  return found;
}
