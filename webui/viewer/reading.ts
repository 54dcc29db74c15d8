// The player's reads that wait for bytes, and when they are let go. Pure: `now` in seconds.
//
// A player begins with the first pictures that it gets. Where bytes come slower than it plays, it
// would stand still a moment later; so it is given nothing before it has enough for a while.

export interface Read {
  /** Bytes of the video, [start, end). */
  start: number;
  end: number;
  since: number;
  answer: (data: Uint8Array<ArrayBuffer> | undefined) => void;
}

const START_SECONDS = 6;
const SEEK_SECONDS = 2;
/** Enough to begin with, where bytes come much faster than they are played. */
const QUICK_SECONDS = 2;
const QUICK = 2;
/** Players read at two places at most: pictures and sound. */
const MOST_READS = 2;

export class Reading {
  private waiting: Read[] = [];
  private holding: number = START_SECONDS;
  private next = 0;
  /** Bytes that the player got in a row, up to where it reads now. */
  given = 0;

  /** The byte that is needed first. */
  get at(): number {
    return this.waiting.at(-1)?.start ?? this.next;
  }

  /** Seconds since the oldest read began to wait. */
  waited(now: number): number {
    return this.waiting[0] ? now - this.waiting[0].since : 0;
  }

  get holds(): boolean {
    return this.holding > 0;
  }

  add(read: Read): void {
    if (read.start !== this.next) {
      this.given = 0;
      if (this.next > 0) this.holding = Math.max(this.holding, SEEK_SECONDS);
    }
    this.waiting.push(read);
    // What the player does not wait for any more: were it wrong, it would ask again.
    while (this.waiting.length > MOST_READS) this.waiting.shift()?.answer(undefined);
  }

  /** The player ran dry. */
  stalled(): void {
    this.holding = Math.max(this.holding, START_SECONDS);
  }

  /** Lets go of the reads for which there is something; `ready` tells how many bytes are. */
  serve(ready: (start: number, end: number) => Uint8Array<ArrayBuffer> | undefined): void {
    for (const read of [...this.waiting]) {
      const data = ready(read.start, read.end);
      if (!data) continue;
      this.waiting.splice(this.waiting.indexOf(read), 1);
      this.next = read.start + data.length;
      this.given += data.length;
      read.answer(data);
    }
  }

  /**
   * Decides whether the player may go on. `contiguous`: bytes at hand from `at`; `byteRate`: what
   * it plays per second; `inflow`: what comes per second; `rest`: bytes up to the end.
   */
  consider(contiguous: number, byteRate: number, inflow: number, rest: number): void {
    const comfortable = contiguous >= Math.min(rest, this.holding * byteRate);
    const quick = contiguous >= QUICK_SECONDS * byteRate && inflow >= QUICK * byteRate;
    if (comfortable || quick) this.holding = 0;
  }

  end(): void {
    for (const read of this.waiting.splice(0)) read.answer(undefined);
  }
}
