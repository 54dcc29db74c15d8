// What is said of a tracker. Pure.

import { count } from "../format";
import type { Tracker } from "../types";

export type Mark = "good" | "bad" | "waiting";

export interface Said {
  mark: Mark;
  text: string;
}

/** How a tracker stands, in one line. */
export function said(tracker: Tracker): Said {
  if (tracker.state === "failing") return { mark: "bad", text: tracker.error ? `Does not work: ${tracker.error}` : "Does not work" };
  if (tracker.state === "waiting") return { mark: "waiting", text: tracker.error || "Nothing announced yet" };
  const parts = ["Works"];
  if (tracker.peers) parts.push(`told of ${count(tracker.peers, "peer", "peers")}`);
  if (tracker.index) parts.push(tracker.listed ? `lists ${count(tracker.listed, "video", "videos")} of yours` : "lists videos");
  else if (tracker.index === false) parts.push("has no index to search");
  if (tracker.refused) parts.push(`but not all: ${tracker.refused}`);
  return { mark: "good", text: parts.join(" · ") };
}
