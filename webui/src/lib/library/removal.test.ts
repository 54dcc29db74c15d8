import { expect, test } from "vitest";
import { makeVideo, seeded } from "../mock-data";
import type { Video } from "../types";
import { comeback, defaultDeletesFile, filesToo, hasChoice, listingOnly, partialSaid, removalOf } from "./removal";

const video = (changes: Partial<Video>): Video => ({
  ...makeVideo(seeded(1), "x", 8, []),
  holders: [],
  size: 2_000_000,
  progress: 1,
  state: "complete",
  ...changes,
});
const own = video({ in_place: true, path: "/home/me/Videos/party.mp4" });
const copy = video({ in_place: false, path: "/data/videos/00/party.mp4" });
const half = video({ in_place: false, state: "fetching", progress: 0.5 });

test("the user's own file is named, and stays unless it is asked for", () => {
  const removal = removalOf([own]);
  expect(listingOnly(removal, "/data")).toEqual(["Your file stays where it is: /home/me/Videos/party.mp4"]);
  expect(filesToo(removal)).toEqual(["Your own file is deleted from the disk: /home/me/Videos/party.mp4"]);
  expect(defaultDeletesFile(removal)).toBe(false);
});

test("an own file that is broken is still the user's", () => {
  expect(removalOf([video({ in_place: true, state: "error" })]).own).toHaveLength(1);
});

test("a copy of the node's goes, or moves to its folder", () => {
  const removal = removalOf([copy]);
  expect(listingOnly(removal, "/data")).toEqual(["The file moves to /data/kept/party.mp4"]);
  expect(filesToo(removal)).toEqual(["The copy of p2ptube is deleted: 2.0 MB become free."]);
  expect(defaultDeletesFile(removal)).toBe(true);
});

test("what is not whole leaves no choice", () => {
  const removal = removalOf([half]);
  expect(hasChoice(removal)).toBe(false);
  expect(partialSaid(removal)).toBe("What was fetched of it so far (1.0 MB) is deleted.");
});

test("many at once, one mixed sentence each", () => {
  const removal = removalOf([own, own, copy, copy, half, half]);
  expect(listingOnly(removal, "")).toEqual(["Your 2 own files stay where they are.", "The 2 files move to the data folder/kept"]);
  expect(filesToo(removal)[0]).toContain("2 own files");
  expect(filesToo(removal)[1]).toContain("4.0 MB");
  expect(partialSaid(removal)).toContain("2 unfinished videos (2.0 MB)");
  expect(defaultDeletesFile(removal)).toBe(false);
});

test("says whether it can be had again", () => {
  const held = video({ holders: [{ peer: "p", swarm: [] }] });
  expect(comeback([own])).toContain("it leaves the network");
  expect(comeback([held])).toContain("1 other peer has it");
  expect(comeback([held, own])).toContain("1 of them");
  expect(comeback([own, own])).toContain("to have them");
  expect(comeback([held, held])).toContain("fetched again");
});
