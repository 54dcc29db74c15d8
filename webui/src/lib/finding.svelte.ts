// One search at a time, its results in an order that does not change under the reader's hand.

import { SvelteMap } from "svelte/reactivity";
import type { Backend, Stop } from "./backend";
import type { Video } from "./types";

const local = (video: Video): boolean => video.state !== "remote";

export class Finding {
  /** By id, in the order in which they are shown: later ones come after, never between. */
  results = new SvelteMap<string, Video>();
  searching = $state(false);
  problem = $state("");
  /** Whether a search came to its end, or was stopped by the user. */
  finished = $state(false);

  private waiting = new Map<string, Video>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private end: Stop | undefined;
  private shows = 0;

  /**
   * What arrives within a pause is shown at once, together: the first pause, then the next...
   * (the last one again and again). `heard` gets each batch too.
   */
  constructor(
    private readonly backend: Pick<Backend, "search">,
    private readonly heard: (videos: Video[]) => void,
    private readonly pauses: readonly number[] = [120],
  ) {}

  /** Ends the search before, and begins a new one. Returns what ends it without a word. */
  start(text: string, seconds: number): Stop {
    this.cancel();
    this.results.clear();
    this.problem = "";
    this.finished = false;
    this.searching = true;
    this.shows = 0;
    let current = true;
    const stop = this.backend.search(
      text,
      seconds,
      (video) => current && this.take(video),
      (problem) => current && this.finish(problem ?? ""),
    );
    this.end = () => {
      current = false;
      stop();
    };
    return () => current && this.cancel();
  }

  /** The user has seen enough: what was found stays. */
  stop(): void {
    if (!this.searching) return;
    this.end?.();
    this.finish("");
  }

  private cancel(): void {
    this.end?.();
    this.end = undefined;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.waiting.clear();
    this.searching = false;
  }

  private take(video: Video): void {
    this.waiting.set(video.id, video);
    const pause = this.pauses[Math.min(this.shows, this.pauses.length - 1)] ?? 0;
    this.timer ??= setTimeout(() => this.show(), pause);
  }

  private show(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.waiting.size === 0) return;
    this.shows += 1;
    const batch = [...this.waiting.values()].sort((a, b) => Number(local(b)) - Number(local(a)));
    this.waiting.clear();
    for (const video of batch) this.results.set(video.id, video);
    this.heard(batch);
  }

  private finish(problem: string): void {
    this.show();
    this.problem = problem;
    this.searching = false;
    this.finished = true;
  }
}
