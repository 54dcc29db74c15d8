// How long a video takes to start, and how often and how long it stalls. Seconds.

import type { Stop } from "../backend";

export interface Measured {
  /** Play was pressed and no frame came yet. */
  starting: boolean;
  startup: number | undefined;
  stalls: number;
  stalled: number;
  /** It stands still right now. */
  stalling: boolean;
  /** How long the last seek took until it played again. */
  seek: number | undefined;
}

// Browsers say `waiting` for a picture or two that came late; nobody sees that as a stall.
const LEAST_STALL = 0.2;

export const UNMEASURED: Measured = { starting: false, startup: undefined, stalls: 0, stalled: 0, stalling: false, seek: undefined };

/** Fed with what the video element reports; `now` in seconds. */
export class Measure {
  private pressedAt: number | undefined;
  private stalledAt: number | undefined;
  private seekAt: number | undefined;
  private seekPending = false;
  private startup: number | undefined;
  private stalls = 0;
  private stalled = 0;
  private seek: number | undefined;

  constructor(private readonly now: () => number) {}

  get result(): Measured {
    const { startup, stalls, stalled, seek } = this;
    return { starting: this.pressedAt !== undefined, startup, stalls, stalled, stalling: this.stalledAt !== undefined, seek };
  }

  press(): void {
    if (this.startup === undefined) this.pressedAt ??= this.now();
    else if (this.seekPending) this.seekAt ??= this.now();
  }

  playing(): void {
    if (this.pressedAt !== undefined) {
      this.startup = this.now() - this.pressedAt;
      this.pressedAt = undefined;
    }
    this.endStall();
    this.endSeek();
  }

  /** No more data. After a seek, that is part of the seek; before the start, part of the start. */
  waiting(): void {
    if (this.startup === undefined || this.seekPending || this.stalledAt !== undefined) return;
    this.stalledAt = this.now();
  }

  seeking(paused: boolean): void {
    this.endStall();
    if (this.startup === undefined) return;
    this.seekPending = true;
    if (!paused) this.seekAt ??= this.now();
  }

  /** Also for the autoplay that the browser refused: the start counts from the next press. */
  paused(): void {
    this.pressedAt = undefined;
    this.seekAt = undefined;
    this.endStall();
  }

  private endStall(): void {
    const lasted = this.stalledAt === undefined ? 0 : this.now() - this.stalledAt;
    this.stalledAt = undefined;
    if (lasted < LEAST_STALL) return;
    this.stalls += 1;
    this.stalled += lasted;
  }

  private endSeek(): void {
    if (this.seekAt !== undefined) this.seek = this.now() - this.seekAt;
    this.seekAt = undefined;
    this.seekPending = false;
  }
}

/** Measures a video element; calls `changed` with each new result. */
export function observe(video: HTMLVideoElement, changed: (measured: Measured) => void): Stop {
  const measure = new Measure(() => performance.now() / 1000);
  const flows = () => !video.seeking && video.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA;
  const on: Partial<Record<keyof HTMLMediaElementEventMap, () => void>> = {
    play: () => measure.press(),
    playing: () => measure.playing(),
    // Events come late: what a seek lacks is the seek's, and the data may be there by now.
    waiting: () => !video.seeking && !flows() && measure.waiting(),
    timeupdate: () => measure.result.stalling && flows() && measure.playing(),
    seeking: () => measure.seeking(video.paused),
    pause: () => measure.paused(),
    ended: () => measure.paused(),
    error: () => measure.paused(),
    // A seek into what is buffered may go on without `playing`.
    seeked: () => !video.paused && flows() && measure.playing(),
  };
  const stops = Object.entries(on).map(([name, take]) => {
    const listener = () => {
      take();
      changed(measure.result);
    };
    video.addEventListener(name, listener);
    return () => video.removeEventListener(name, listener);
  });
  if (!video.paused) measure.press();
  return () => stops.forEach((stop) => stop());
}

const seconds = (value: number): string =>
  value < 0.05 ? "under 0.1 s" : value < 10 ? `${value.toFixed(1)} s` : `${Math.round(value)} s`;

/** "Started in 0.8 s · no stalls" */
export function described(measured: Measured): string {
  if (measured.startup === undefined) return measured.starting ? "Starting…" : "Not started yet";
  const stalls =
    measured.stalls === 0
      ? "no stalls"
      : `${measured.stalls} ${measured.stalls === 1 ? "stall" : "stalls"} (${seconds(measured.stalled)})`;
  const seek = measured.seek === undefined ? "" : ` · last seek ${seconds(measured.seek)}`;
  const now = measured.stalling ? " · waiting for data" : "";
  return `Started in ${seconds(measured.startup)} · ${stalls}${seek}${now}`;
}
