// What the lists say about a video, in the same words everywhere.

import { percent } from "./format";
import type { Video } from "./types";

export const titleOf = (video: Video): string => video.title.trim() || video.file_name.trim() || "Untitled";

/** Those that were heard of, and this node when it has all of it. */
export const holdersOf = (video: Video): number => video.holders.length + (video.state === "complete" ? 1 : 0);

export const publisherOf = (video: Video): string =>
  video.mine ? "You" : video.publisher.name.trim() || "Unknown publisher";

export function stateOf(video: Video): string {
  switch (video.state) {
    case "fetching":
      return video.window ? "Playing without keeping" : `Fetching ${percent(video.progress)}`;
    case "complete":
      return "Here";
    case "error":
      return "Problem";
    case "remote":
      return "On the network";
  }
}

/** For labels and sentences: a title may have 10,000 characters. */
export function shortTitle(video: Video, most = 80): string {
  const characters = [...titleOf(video)];
  return characters.length > most ? `${characters.slice(0, most - 1).join("")}…` : characters.join("");
}
