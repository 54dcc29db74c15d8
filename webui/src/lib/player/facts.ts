// What is known of a video's file, in words, for the list of facts.

import { bytes, clock, percent } from "../format";
import { languageName } from "../library/languages";
import type { Video } from "../types";
import { captionsLabel } from "./captions";

export interface Fact {
  name: string;
  value: string;
  /** An identifier: shown in a fixed-width font. */
  code?: boolean;
}

export function bitRate(perSecond: number): string {
  return perSecond >= 1e6 ? `${(perSecond / 1e6).toFixed(1)} Mbit/s` : `${Math.round(perSecond / 1000)} kbit/s`;
}

export function factsOf(video: Video): Fact[] {
  const codecs = [video.video_codec, video.audio_codec].filter(Boolean).join(" + ");
  const facts: (Fact | false)[] = [
    { name: "File", value: video.file_name },
    video.size > 0 && { name: "Size", value: bytes(video.size) },
    video.duration > 0 && { name: "Duration", value: clock(video.duration) },
    video.width > 0 && { name: "Resolution", value: `${video.width} × ${video.height}` },
    codecs !== "" && { name: "Codecs", value: codecs },
    video.bit_rate > 0 && { name: "Bit rate", value: bitRate(video.bit_rate) },
    video.language !== "" && { name: "Language", value: languageName(video.language) },
    video.captions.length > 0 && { name: "Captions", value: video.captions.map(captionsLabel).join(", ") },
    video.path !== null && { name: "Kept at", value: video.path, code: true },
    { name: "Id", value: video.id, code: true },
    video.sha256 !== "" && { name: "SHA-256", value: video.sha256, code: true },
    video.publisher.key !== "" && { name: "Publisher's key", value: video.publisher.key, code: true },
  ];
  return facts.filter((fact) => fact !== false);
}

/** What playing without keeping takes and leaves, in words; empty for what is kept. */
export function unkeptOf(video: Video): string {
  if (video.keep || (video.state !== "fetching" && video.state !== "complete")) return "";
  const space = video.window
    ? `At most ${bytes(video.window)} of it are on this computer at a time; going back further fetches again.`
    : "All of it is on this computer for now.";
  // The badge above says the rest of what has a window.
  return `${video.window ? "" : "It is not kept. "}${space} A minute after the player is closed, nothing of it is left.`;
}

/** The state in words, as a badge under the title. */
export function stateOf(video: Video): string {
  switch (video.state) {
    case "complete":
      return "Here";
    case "fetching":
      return video.window ? "Playing without keeping" : `Fetching ${percent(video.progress)}`;
    case "error":
      return "Problem";
    default:
      return "On the network";
  }
}
