import { expect, test } from "vitest";
import { makeVideo, seeded } from "./mock-data";
import type { Video } from "./types";
import { holdersOf, publisherOf, shortTitle, stateOf, titleOf } from "./videos";

const video = (changes: Partial<Video>): Video => ({ ...makeVideo(seeded(1), "x", 30, []), holders: [], ...changes });

test("a title is never blank", () => {
  expect(titleOf(video({ title: "  A " }))).toBe("A");
  expect(titleOf(video({ title: " ", file_name: "a.mp4" }))).toBe("a.mp4");
  expect(titleOf(video({ title: "", file_name: "" }))).toBe("Untitled");
});

test("this node counts as a holder of what it has", () => {
  expect(holdersOf(video({ state: "complete" }))).toBe(1);
  expect(holdersOf(video({ state: "remote", holders: [{ peer: "p", swarm: [] }] }))).toBe(1);
});

test("words", () => {
  expect(publisherOf(video({ mine: true }))).toBe("You");
  expect(publisherOf(video({ mine: false, publisher: { key: "", name: "" } }))).toBe("Unknown publisher");
  expect(stateOf(video({ state: "fetching", progress: 0.437 }))).toBe("Fetching 43%");
});

test("labels are short, and emoji whole", () => {
  expect(shortTitle(video({ title: "x".repeat(10_000) }))).toHaveLength(80);
  expect(shortTitle(video({ title: "🐈🐈🐈" }), 2)).toBe("🐈…");
});
