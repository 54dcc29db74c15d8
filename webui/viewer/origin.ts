// The node's web server as a source: ranges of the video's bytes over plain HTTP.

/** `offset` counts from the start of the video's file. */
export type Arrived = (offset: number, data: Uint8Array) => void;

const SILENCE_MS = 10_000;
const LEAST_REST = 0.5;
const MOST_REST = 15;
const FIRST_GUESS = 0;

export class Origin {
  /** What the last requests came at, bytes/s; 0 while nothing is known. */
  speed = FIRST_GUESS;
  /** All bytes that came, whether they were of use or not. */
  received = 0;
  private running: AbortController | undefined;
  private rest = 0;
  private restUntil = 0;

  constructor(
    private readonly url: string,
    private readonly now: () => number,
  ) {}

  /** Whether a request can be made now. */
  get free(): boolean {
    return !this.running && this.now() >= this.restUntil;
  }

  /** Whether the last request went well, or none was made yet. */
  get answers(): boolean {
    return this.rest === 0;
  }

  /** Gets [start, end), handing on what comes as it comes; false when something was missing. */
  async get(start: number, end: number, arrived: Arrived): Promise<boolean> {
    const running = new AbortController();
    this.running = running;
    const began = this.now();
    let at = start;
    try {
      at = await this.stream(start, end, running, arrived);
    } catch {
      // The server is away, busy, or broke off: rest a little, then try again.
    } finally {
      this.running = undefined;
    }
    this.measure(at - start, this.now() - began);
    const good = at >= end;
    this.rest = good ? 0 : Math.min(MOST_REST, Math.max(LEAST_REST, this.rest * 2));
    this.restUntil = this.now() + this.rest;
    return good;
  }

  /** Not to be asked for a while: what it gave was wrong. */
  distrust(): void {
    this.rest = MOST_REST;
    this.restUntil = this.now() + MOST_REST;
  }

  stop(): void {
    this.running?.abort();
    this.restUntil = Infinity;
  }

  private async stream(start: number, end: number, running: AbortController, arrived: Arrived): Promise<number> {
    const silence = new Deadline(SILENCE_MS, () => running.abort());
    try {
      const headers = { Range: `bytes=${start}-${end - 1}` };
      const answer = await fetch(this.url, { headers, cache: "no-store", credentials: "same-origin", signal: running.signal });
      // Without ranges, the start of the whole is still good for the start.
      if (answer.status !== 206 && !(answer.status === 200 && start === 0)) throw new Error(`HTTP ${answer.status}`);
      return await this.pass(answer, start, end, silence, arrived);
    } finally {
      silence.clear();
      running.abort();
    }
  }

  private async pass(answer: Response, start: number, end: number, silence: Deadline, arrived: Arrived): Promise<number> {
    const reader = answer.body?.getReader();
    let at = start;
    while (reader && at < end) {
      const { done, value } = await reader.read();
      if (done) break;
      silence.renew();
      this.received += value.length;
      const part = value.subarray(0, end - at);
      arrived(at, part);
      at += part.length;
    }
    return at;
  }

  private measure(bytes: number, seconds: number): void {
    if (bytes === 0) return;
    const speed = bytes / Math.max(seconds, 0.001);
    this.speed = this.speed === FIRST_GUESS ? speed : (this.speed + speed) / 2;
  }
}

class Deadline {
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly ms: number,
    private readonly late: () => void,
  ) {
    this.renew();
  }

  renew(): void {
    this.clear();
    this.timer = setTimeout(this.late, this.ms);
  }

  clear(): void {
    clearTimeout(this.timer);
  }
}
