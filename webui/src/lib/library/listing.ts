// Which of the library's videos are shown, and in what order.

import type { Video } from "../types";
import { holdersOf, titleOf } from "../videos";

export const FILTERS = {
  all: "All",
  mine: "Mine",
  fetched: "Fetched",
  problems: "Problems",
} as const;
export type Filter = keyof typeof FILTERS;

export const SORTS = {
  added: "Last added",
  title: "Title",
  size: "Largest",
  holders: "Fewest holders",
  progress: "Still fetching",
} as const;
export type Sort = keyof typeof SORTS;

const BELONGS: Record<Filter, (video: Video) => boolean> = {
  all: () => true,
  mine: (video) => video.mine,
  fetched: (video) => !video.mine,
  problems: (video) => video.state === "error" || video.detail !== "",
};

export const filtered = (videos: Video[], filter: Filter): Video[] => videos.filter(BELONGS[filter]);

export const counts = (videos: Video[]): Record<Filter, number> => ({
  all: videos.length,
  mine: filtered(videos, "mine").length,
  fetched: filtered(videos, "fetched").length,
  problems: filtered(videos, "problems").length,
});

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
const addedAt = (video: Video): number => video.added_at ?? 0;

const ORDER: Record<Sort, (a: Video, b: Video) => number> = {
  added: (a, b) => addedAt(b) - addedAt(a),
  title: (a, b) => collator.compare(titleOf(a), titleOf(b)),
  size: (a, b) => b.size - a.size,
  holders: (a, b) => holdersOf(a) - holdersOf(b),
  // Only whether, not how far: else rows would overtake each other while one reads them.
  progress: (a, b) => Number(b.state === "fetching") - Number(a.state === "fetching") || addedAt(b) - addedAt(a),
};

export const sorted = (videos: Video[], sort: Sort): Video[] =>
  [...videos].sort((a, b) => ORDER[sort](a, b) || a.id.localeCompare(b.id));

/** What the videos take of the node's own storage: files shared in place take nothing. */
export const stored = (videos: Video[]): number =>
  videos.reduce((sum, video) => sum + (video.in_place ? 0 : video.size * (video.state === "fetching" ? video.progress : 1)), 0);
