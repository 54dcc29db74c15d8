// The bytes that are here for the player: verified pieces, and what the server sent of others.

import { pieceSpan, type Layout } from "./layout";
import { Partial } from "./partial";
import type { Pieces } from "./pieces";

const MOST_ANSWER = 2 ** 20;

/** Offsets count from the start of the torrent. */
export class Bytes {
  private readonly partials = new Map<number, Partial>();

  constructor(
    private readonly layout: Layout,
    private readonly pieces: Pieces,
  ) {}

  /** Takes what the server sent, and gives the pieces that are whole now. */
  put(offset: number, data: Uint8Array): Partial[] {
    const whole: Partial[] = [];
    for (let at = 0; at < data.length; ) {
      const index = Math.floor((offset + at) / this.layout.pieceLength);
      const [, end] = pieceSpan(this.layout, index);
      const part = data.subarray(at, Math.min(data.length, end - offset));
      const partial = this.pieces.has(index) ? undefined : this.place(index, offset + at, part);
      if (partial?.whole) whole.push(partial);
      at += part.length;
    }
    return whole;
  }

  /** The piece is here as a whole, or what came of it is of no use. */
  forget(index: number): void {
    this.partials.delete(index);
  }

  /** How many bytes are here from `offset` on without a gap. */
  contiguous(offset: number): number {
    let bytes = 0;
    for (const part of this.parts(offset)) bytes += part.length;
    return bytes;
  }

  /** What is here of [offset, end), from its start on; nothing if that is missing. */
  collect(offset: number, end: number): Uint8Array<ArrayBuffer> | undefined {
    const most = Math.min(end - offset, MOST_ANSWER);
    const parts: Uint8Array[] = [];
    let length = 0;
    for (const part of this.parts(offset)) {
      parts.push(part.subarray(0, most - length));
      length += Math.min(part.length, most - length);
      if (length >= most) break;
    }
    return length > 0 ? joined(parts, length) : undefined;
  }

  private place(index: number, offset: number, data: Uint8Array): Partial {
    const [start, end] = pieceSpan(this.layout, index);
    const known = this.partials.get(index);
    const partial = known?.to === offset ? known : new Partial(index, start, end, offset);
    this.partials.set(index, partial);
    partial.put(data);
    return partial;
  }

  private *parts(offset: number): Iterable<Uint8Array> {
    const end = this.layout.offset + this.layout.length;
    for (let at = offset; at < end; ) {
      const index = Math.floor(at / this.layout.pieceLength);
      const [start] = pieceSpan(this.layout, index);
      const data = this.pieces.get(index)?.subarray(at - start) ?? this.partials.get(index)?.from(at);
      if (!data || data.length === 0) return;
      yield data;
      at += data.length;
    }
  }
}

function joined(parts: Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const data = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return data;
}
