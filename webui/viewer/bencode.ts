// Reads bencoded data (BEP 3), as far as torrents need it. Pure; what it reads is untrusted.

export type Bencoded = number | Uint8Array | Bencoded[] | Dictionary;

/** A dictionary, and where each of its values lies in the data: [start, end). */
export class Dictionary {
  readonly entries = new Map<string, Bencoded>();
  readonly spans = new Map<string, [start: number, end: number]>();
}

export class MalformedTorrent extends Error {}

const MOST_NESTED = 16;
const code = (letter: string) => letter.charCodeAt(0);
const text = new TextDecoder();

/** Decodes the whole of `data`. Throws MalformedTorrent. */
export function decode(data: Uint8Array): Bencoded {
  const reader = new Reader(data);
  const value = reader.value(0);
  if (reader.at !== data.length) throw new MalformedTorrent("more data than one value");
  return value;
}

class Reader {
  at = 0;

  constructor(private readonly data: Uint8Array) {}

  value(depth: number): Bencoded {
    if (depth > MOST_NESTED) throw new MalformedTorrent("nested too deeply");
    switch (this.data[this.at]) {
      case code("i"):
        this.at += 1;
        return this.integer("e");
      case code("l"):
        return this.list(depth);
      case code("d"):
        return this.dictionary(depth);
      default:
        return this.string();
    }
  }

  /** A number up to the character `end`, which is taken, too. */
  private integer(end: string): number {
    const stop = this.data.indexOf(code(end), this.at);
    const digits = stop < 0 || stop - this.at > 20 ? "" : text.decode(this.data.subarray(this.at, stop));
    const value = Number(digits);
    if (!/^(0|-?[1-9]\d*)$/.test(digits) || !Number.isSafeInteger(value)) throw new MalformedTorrent("not a number");
    this.at = stop + 1;
    return value;
  }

  private string(): Uint8Array {
    const length = this.integer(":");
    const end = this.at + length;
    if (length < 0 || end > this.data.length) throw new MalformedTorrent("a string that does not end");
    const value = this.data.subarray(this.at, end);
    this.at = end;
    return value;
  }

  private list(depth: number): Bencoded[] {
    const values: Bencoded[] = [];
    this.at += 1;
    while (!this.ended()) values.push(this.value(depth + 1));
    return values;
  }

  private dictionary(depth: number): Dictionary {
    const result = new Dictionary();
    this.at += 1;
    while (!this.ended()) {
      const key = text.decode(this.string());
      const start = this.at;
      result.entries.set(key, this.value(depth + 1));
      result.spans.set(key, [start, this.at]);
    }
    return result;
  }

  private ended(): boolean {
    if (this.at >= this.data.length) throw new MalformedTorrent("it ends in the middle");
    if (this.data[this.at] !== code("e")) return false;
    this.at += 1;
    return true;
  }
}
