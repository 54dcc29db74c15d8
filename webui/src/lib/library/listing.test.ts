import { expect, test } from "vitest";
import { makeVideo, seeded } from "../mock-data";
import type { Video } from "../types";
import { counts, filtered, sorted, stored } from "./listing";

const video = (id: string, changes: Partial<Video>): Video => ({ ...makeVideo(seeded(1), id, 8, []), id, detail: "", ...changes });
const videos = [
  video("a", { title: "Clip 10", mine: true, size: 10, added_at: 1, state: "complete", in_place: true }),
  video("b", { title: "clip 9", mine: false, size: 30, added_at: 3, state: "fetching", progress: 0.5, in_place: false, detail: "No holder" }),
  video("c", { title: "", file_name: "été.mp4", mine: false, size: 20, added_at: 2, state: "error", in_place: false, holders: [{ peer: "p", swarm: [] }] }),
];
const ids = (list: Video[]) => list.map(({ id }) => id).join("");

test("filters", () => {
  expect(ids(filtered(videos, "all"))).toBe("abc");
  expect(ids(filtered(videos, "mine"))).toBe("a");
  expect(ids(filtered(videos, "fetched"))).toBe("bc");
  expect(ids(filtered(videos, "problems"))).toBe("bc");
  expect(counts(videos)).toEqual({ all: 3, mine: 1, fetched: 2, problems: 2 });
});

test("sorts, numbers in titles as numbers", () => {
  expect(ids(sorted(videos, "added"))).toBe("bca");
  expect(ids(sorted(videos, "title"))).toBe("bac");
  expect(ids(sorted(videos, "size"))).toBe("bca");
  expect(ids(sorted(videos, "holders"))).toBe("bac");
  expect(ids(sorted(videos, "progress"))).toBe("bca");
});

test("files shared in place take nothing of the storage", () => {
  expect(stored(videos)).toBe(15 + 20);
});
