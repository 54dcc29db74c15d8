// One video element goes on from file to file of a torrent: full screen, volume and speed stay.

import { untrack } from "svelte";
import type { Stop } from "../backend";
import type { Video } from "../types";
import { placeOf, Turns } from "./files";
import { observe, type Measured } from "./measure";
import { keepPosition } from "./session";

export interface Stage {
  media: () => HTMLVideoElement | undefined;
  video: () => Video;
  /** The file that shall play as soon as the node says so. */
  wanted: () => number | undefined;
  url: (video: Video) => string;
  /** Another file begins. */
  begin: () => void;
  observed: (result: Measured) => void;
}

export interface Playing {
  /** Changes with each other file. */
  readonly turn: number;
  /** Remembers the position, before the element goes. */
  end: Stop;
}

/** Plays what the video is, as long as the component lives that calls this while it is made. */
export function playFiles(stage: Stage): Playing {
  const turns = new Turns();
  const turn = $derived(turns.take(stage.video().file));
  let shown: { file: number | null } | undefined;
  let stops: Stop[] = [];
  let held: { turn: number; played: boolean } | undefined;

  function end(): void {
    for (const stop of stops.splice(0)) stop();
  }

  // It starts by itself where the browser lets it: it was opened, or chosen, to be watched.
  function show(element: HTMLVideoElement): void {
    const video = stage.video();
    const now = (shown = { file: video.file });
    stage.begin();
    stops = [observe(element, stage.observed), keepPosition(element, () => placeOf(stage.video(), now.file))];
    element.defaultPlaybackRate = element.playbackRate;
    element.src = stage.url(video);
    element.play().catch(() => undefined);
  }

  $effect(() => {
    const element = stage.media();
    void turn;
    if (!element) return;
    untrack(() => show(element));
    return end;
  });
  // Of a magnet link, it is not known from the start which file it is.
  $effect(() => {
    const { file } = stage.video();
    if (shown) shown.file ??= file;
  });
  $effect(() => {
    const changing = stage.wanted() !== undefined;
    untrack(() => hold(changing));
  });

  /** What is about to end stands still meanwhile, and goes on where nothing comes of it. */
  function hold(changing: boolean): void {
    const element = stage.media();
    if (changing && element) {
      held ??= { turn, played: !element.paused };
      element.pause();
    } else if (held) {
      if (held.played && held.turn === turn) element?.play().catch(() => undefined);
      held = undefined;
    }
  }

  return {
    get turn() {
      return turn;
    },
    end,
  };
}
