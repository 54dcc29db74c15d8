import type { Backend, Stop } from "./backend";
import type { Video } from "./types";

/** A pointer that only passes by is gone before. */
export const HOVER_MS = 100;
/** From a card to the page that it opens, what was begun goes on. */
export const LEAVE_MS = 300;
/** The node ends it by itself after a minute. */
export const RENEW_MS = 30_000;

interface Ahead {
  wants: number;
  starting?: ReturnType<typeof setTimeout>;
  renewing?: ReturnType<typeof setInterval>;
  leaving?: ReturnType<typeof setTimeout>;
  /** Whether the node has begun; a promise, since whoever leaves early must end it nevertheless. */
  begun?: Promise<boolean>;
}

/** Lets the node fetch the heads of videos that are about to be opened; of each once, whoever wants it. */
export class Prefetcher {
  private readonly aheads = new Map<string, Ahead>();

  constructor(
    private readonly backend: Pick<Backend, "prefetch" | "cancelPrefetch">,
    /** Whether the browser's line is free of charge, as far as it says so. */
    private readonly free: () => boolean,
  ) {}

  /** Begins after so many milliseconds, and goes on until what it returns is called. */
  want(id: string, delay: number): Stop {
    if (!this.free()) return () => undefined;
    const ahead = this.aheads.get(id) ?? { wants: 0 };
    this.aheads.set(id, ahead);
    ahead.wants += 1;
    clearTimeout(ahead.leaving);
    if (!ahead.begun) {
      clearTimeout(ahead.starting);
      if (delay > 0) ahead.starting = setTimeout(() => this.begin(id, ahead), delay);
      else this.begin(id, ahead);
    }
    let over = false;
    return () => {
      if (over) return;
      over = true;
      ahead.wants -= 1;
      if (ahead.wants === 0) ahead.leaving = setTimeout(() => this.end(id, ahead), ahead.begun ? LEAVE_MS : 0);
    };
  }

  private begin(id: string, ahead: Ahead): void {
    const ask = () => this.backend.prefetch(id).catch(() => false);
    ahead.begun = ask();
    ahead.renewing = setInterval(async () => {
      // What is here by now, or cannot be had, is not asked for again and again.
      if (!(await ask())) clearInterval(ahead.renewing);
    }, RENEW_MS);
  }

  private async end(id: string, ahead: Ahead): Promise<void> {
    this.aheads.delete(id);
    clearTimeout(ahead.starting);
    clearInterval(ahead.renewing);
    // Wanted once more meanwhile, it is again the node's business to go on with it.
    if ((await ahead.begun) && !this.aheads.has(id)) await this.backend.cancelPrefetch(id).catch(() => undefined);
  }
}

/** For `use:`: an element that leads to a video; it is likely to be opened while a pointer or the focus is there. */
export function leadsTo(prefetcher: Prefetcher): (element: HTMLElement, video: Video) => { update: (video: Video) => void; destroy: Stop } {
  return (element, first) => {
    let video = first;
    let stop: Stop | undefined;
    const reasons = new Set<"pointer" | "focus">();
    const end = () => {
      stop?.();
      stop = undefined;
    };
    const begin = (reason: "pointer" | "focus", delay: number) => {
      reasons.add(reason);
      if (video.state !== "remote" || video.classic) return;
      const before = stop;
      stop = prefetcher.want(video.id, delay);
      before?.();
    };
    const leave = (reason: "pointer" | "focus") => {
      reasons.delete(reason);
      if (reasons.size === 0) end();
    };
    const listeners: [string, (event: Event) => void][] = [
      // A finger does not hover: it comes down to open, or to scroll, which is a cancel.
      ["pointerenter", (event) => (event as PointerEvent).pointerType === "mouse" && begin("pointer", HOVER_MS)],
      ["pointerdown", () => begin("pointer", 0)],
      ["pointerleave", () => leave("pointer")],
      ["pointercancel", () => leave("pointer")],
      ["focusin", () => begin("focus", HOVER_MS)],
      ["focusout", () => leave("focus")],
    ];
    for (const [kind, listener] of listeners) element.addEventListener(kind, listener);
    return {
      update: (now) => {
        if (now.id !== video.id) end();
        video = now;
      },
      destroy: () => {
        for (const [kind, listener] of listeners) element.removeEventListener(kind, listener);
        end();
      },
    };
  };
}

/** False where the user asks the browser to save data (Save-Data, a draft of the WICG). */
export function isFree(): boolean {
  const { connection } = navigator as Navigator & { connection?: { saveData?: boolean } };
  return !connection?.saveData;
}
