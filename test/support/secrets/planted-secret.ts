import { Buffer } from "node:buffer";

/** Something that must be found nowhere, in every spelling in which a program might write it. */
export interface PlantedSecret {
  readonly name: string;
  /** By the name of the spelling. */
  readonly spellings: Readonly<Record<string, Uint8Array>>;
}

export function plantedText(name: string, text: string): PlantedSecret {
  const bytes = Buffer.from(text);
  return {
    name,
    spellings: {
      ...bytesSpellings(bytes),
      ...texts({
        json: JSON.stringify(text).slice(1, -1),
        "lower case": text.toLowerCase(),
        "percent-encoded": encodeURIComponent(text),
        "percent-encoded whole": [...bytes].map((byte) => `%${hex(byte)}`).join(""),
        "percent-encoded whole, upper case": [...bytes]
          .map((byte) => `%${hex(byte).toUpperCase()}`)
          .join(""),
        "escaped whole": [...text]
          .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
          .join(""),
        reversed: [...text].reverse().join(""),
      }),
      "UTF-16": Buffer.from(text, "utf16le"),
      "UTF-16, big endian": Buffer.from(text, "utf16le").swap16(),
    },
  };
}

export function plantedBytes(name: string, bytes: Uint8Array): PlantedSecret {
  return { name, spellings: bytesSpellings(Buffer.from(bytes)) };
}

/** The bytes in text and as they are; base64 at each of the three places at which they may begin. */
function bytesSpellings(bytes: Buffer): Record<string, Uint8Array> {
  const base64 = [0, 1, 2].map((shift) => {
    const whole = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64");
    // Characters that depend on what is before and after.
    const end = Math.floor(((shift + bytes.length) * 4) / 3);
    return whole.slice(Math.ceil((shift * 4) / 3), end);
  });
  return {
    plain: bytes,
    ...texts({
      hexadecimal: bytes.toString("hex"),
      "hexadecimal, upper case": bytes.toString("hex").toUpperCase(),
      "list of numbers": [...bytes].join(","),
      ...Object.fromEntries(base64.map((text, shift) => [`base64 + ${shift}`, text])),
      ...Object.fromEntries(
        base64.map((text, shift) => [
          `base64url + ${shift}`,
          text.replaceAll("+", "-").replaceAll("/", "_"),
        ]),
      ),
    }),
  };
}

function texts(of: Readonly<Record<string, string>>): Record<string, Uint8Array> {
  return Object.fromEntries(Object.entries(of).map(([name, text]) => [name, Buffer.from(text)]));
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

/** Something that is searched. */
export interface Haystack {
  readonly place: string;
  readonly bytes: Uint8Array | string;
}

/** Where secrets are: the place and the name of each that is found, with its spelling and what is around it. */
export function findSecrets(
  secrets: readonly PlantedSecret[],
  haystacks: readonly Haystack[],
): string[] {
  const pieces = haystacks.map(({ place, bytes }) => ({
    place,
    bytes: Buffer.from(bytes as Uint8Array),
  }));
  // All at once, because there are many pieces and spellings. A break that no secret has keeps them apart.
  const whole = Buffer.concat(pieces.flatMap(({ bytes }) => [bytes, Buffer.from("\0|\0")]));
  const suspects = secrets.flatMap(({ name, spellings }) =>
    Object.entries(spellings)
      .filter(([, needle]) => whole.includes(needle))
      .map(([spelling, needle]) => ({ name, spelling, needle })),
  );
  return suspects.flatMap(({ name, spelling, needle }) =>
    pieces.flatMap(({ place, bytes }) => {
      const at = bytes.indexOf(needle);
      if (at === -1) return [];
      const around = bytes.subarray(Math.max(0, at - 60), at + needle.length + 40);
      return [`${place}: ${name} (${spelling}) in ${JSON.stringify(around.toString("latin1"))}`];
    }),
  );
}
