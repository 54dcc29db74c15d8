// One showing of one video: where it goes on, that it starts by itself, and what is remembered.

import type { Stop } from "../backend";
import { recall, remember } from "./position";

const SAVE_SECONDS = 5;

/** Ties a video element to its remembered position; the returned function saves it a last time. */
export function keepPosition(video: HTMLVideoElement, id: string): Stop {
  let saved = 0;
  let resumed = false;
  const save = () => {
    if (!resumed || !Number.isFinite(video.duration)) return;
    saved = video.currentTime;
    remember(id, saved, video.duration);
  };
  const resume = () => {
    if (resumed) return;
    resumed = true;
    const seconds = recall(id, video.duration);
    if (seconds > 0) video.currentTime = seconds;
  };
  const tick = () => Math.abs(video.currentTime - saved) >= SAVE_SECONDS && save();
  const forget = () => remember(id, 0, video.duration);
  video.addEventListener("loadedmetadata", resume);
  video.addEventListener("timeupdate", tick);
  video.addEventListener("pause", save);
  video.addEventListener("ended", forget);
  addEventListener("pagehide", save);
  return () => {
    save();
    video.removeEventListener("loadedmetadata", resume);
    video.removeEventListener("timeupdate", tick);
    video.removeEventListener("pause", save);
    video.removeEventListener("ended", forget);
    removeEventListener("pagehide", save);
  };
}

/** Loads a stream that broke off again, and goes on where it was. */
export function reload(video: HTMLVideoElement): void {
  const at = video.currentTime;
  video.addEventListener(
    "loadedmetadata",
    () => {
      if (at > 0) video.currentTime = at;
    },
    { once: true },
  );
  video.load();
  video.play().catch(() => undefined);
}

/** Why a video element gave up, in words. */
export function whyNot(error: MediaError | null): string {
  switch (error?.code) {
    case MediaError.MEDIA_ERR_DECODE:
      return "This browser cannot decode the video. Another player may: try Open in VLC.";
    case MediaError.MEDIA_ERR_NETWORK:
      return "The stream broke off.";
    default:
      return "The video cannot be played at the moment. Its holders may be away.";
  }
}
