import { concatenateBytes } from "../../../shared/bytes.ts";
import { InvalidReply } from "./parse-reply.ts";

/** Of a line: about what a reply in one message may have. */
const MAX_LINE_BYTES = 33_554_432;
const LINE_FEED = 0x0a;
const DECODER = new TextDecoder();

/** Lines of JSON whose bytes arrive in pieces. */
export class JsonLines {
  readonly #lines: unknown[] = [];
  /** Of a line that is not complete. Joined once: a text to which pieces are added would be copied for each of them. */
  #pieces: Uint8Array[] = [];
  #length = 0;

  /** @throws InvalidReply for a line that is not JSON, or too long */
  add(bytes: Uint8Array): void {
    let start = 0;
    for (;;) {
      const end = bytes.indexOf(LINE_FEED, start);
      const piece = bytes.subarray(start, end < 0 ? bytes.length : end);
      this.#length += piece.length;
      if (this.#length > MAX_LINE_BYTES) throw new InvalidReply("a part is too long");
      this.#pieces.push(piece);
      if (end < 0) return;
      this.#lines.push(parse(concatenateBytes(this.#pieces)));
      this.#pieces = [];
      this.#length = 0;
      start = end + 1;
    }
  }

  /** Whether a line has arrived that was not taken. */
  get hasNext(): boolean {
    return this.#lines.length > 0;
  }

  /** The next line. */
  take(): unknown {
    return this.#lines.shift();
  }
}

function parse(line: Uint8Array): unknown {
  try {
    return JSON.parse(DECODER.decode(line));
  } catch (cause) {
    throw new InvalidReply("a part is not JSON", { cause });
  }
}
