// One showing of one video: where it goes on, that it starts by itself, and what is remembered.

import type { Stop } from "../backend";
import { recall, remember } from "./position";

const SAVE_SECONDS = 5;

/**
 * Ties a video element to its remembered position; the returned function saves it a last time. `place`
 * tells under what it is remembered, as soon as it is known.
 */
export function keepPosition(video: HTMLVideoElement, place: () => string | undefined): Stop {
  let saved = 0;
  let resumed = false;
  const save = () => {
    const at = place();
    if (!resumed || at === undefined || !Number.isFinite(video.duration)) return;
    saved = video.currentTime;
    remember(at, saved, video.duration);
  };
  const resume = () => {
    const at = place();
    if (resumed || at === undefined || !Number.isFinite(video.duration)) return;
    resumed = true;
    const seconds = recall(at, video.duration);
    if (seconds > 0) video.currentTime = seconds;
  };
  const tick = () => {
    resume();
    if (Math.abs(video.currentTime - saved) >= SAVE_SECONDS) save();
  };
  const forget = () => {
    const at = place();
    if (at !== undefined) remember(at, 0, video.duration);
  };
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

/** Into a window of its own, or back. Fails where the browser has none, or does not let it. */
export async function togglePictureInPicture(video: HTMLVideoElement): Promise<void> {
  if (document.pictureInPictureElement) await document.exitPictureInPicture();
  else await video.requestPictureInPicture();
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
