// Why a video does not start, or stands still: in words, over the picture.

import { rate } from "../format";
import type { Swarm, Video } from "../types";

export function whyWaiting(video: Video, swarm: Swarm | undefined): string {
  if (video.state === "complete") return "Reading the file…";
  if (video.state !== "fetching" || !swarm) return "Asking for the video…";
  if (!swarm.peers.some((peer) => peer.connected)) {
    return video.detail
      ? "Nobody who has this video can be reached. It goes on by itself when somebody is back."
      : "Looking for somebody who has this video…";
  }
  const needed = video.duration > 0 ? video.size / video.duration : 0;
  if (swarm.download_rate <= 0) return "Connected. Waiting for the first bytes…";
  if (swarm.download_rate < needed) {
    return `It comes slower than it plays: ${rate(swarm.download_rate)} of the ${rate(needed)} that are needed.`;
  }
  return `The next part is on its way: ${rate(swarm.download_rate)}.`;
}
