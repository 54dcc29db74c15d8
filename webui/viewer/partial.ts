// The bytes of a piece that the server sent so far, without a gap. Offsets count from the start of
// the torrent.

export class Partial {
  readonly data: Uint8Array<ArrayBuffer>;
  /** Where the next byte goes. */
  to: number;

  /** A piece [start, end), of which bytes come from `begin` on. */
  constructor(
    readonly index: number,
    private readonly start: number,
    private readonly end: number,
    private readonly begin: number,
  ) {
    this.data = new Uint8Array(end - start);
    this.to = begin;
  }

  /** Whether that is the whole piece, whose hash can be checked. */
  get whole(): boolean {
    return this.begin === this.start && this.to === this.end;
  }

  put(bytes: Uint8Array): void {
    this.data.set(bytes, this.to - this.start);
    this.to += bytes.length;
  }

  /** What is here from `offset` on. */
  from(offset: number): Uint8Array | undefined {
    return offset >= this.begin && offset < this.to ? this.data.subarray(offset - this.start, this.to - this.start) : undefined;
  }
}
