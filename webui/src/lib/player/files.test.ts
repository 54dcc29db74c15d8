import { describe, expect, it } from "vitest";
import type { Swarm, TorrentFile } from "../types";
import { cutTo, foldersOf, neighbour, placeOf, playable, spanOf, Turns } from "./files";

const file = (index: number, path: string, more: Partial<TorrentFile> = {}): TorrentFile => ({
  ...{ index, path, size: 100, kind: "video", language: "", chosen: false, title: path, progress: 0 },
  ...more,
});
const paths = (files: readonly TorrentFile[]) => files.map((each) => each.path);

describe("playable", () => {
  const season = [file(0, "S/e10.mkv"), file(1, "S/E2.mkv"), file(2, "S/e2.srt", { kind: "subtitles" }), file(3, "S/e1.mkv")];

  it("has the videos in the order that people count in", () => {
    expect(paths(playable(season, 1))).toEqual(["S/e1.mkv", "S/E2.mkv", "S/e10.mkv"]);
  });
  it("leaves out what is empty, and sound where there are videos", () => {
    const more = [...season, file(4, "S/e0.mkv", { size: 0 }), file(5, "S/theme.mp3", { kind: "audio" })];
    expect(paths(playable(more, 1))).toEqual(["S/e1.mkv", "S/E2.mkv", "S/e10.mkv"]);
  });
  it("has what was chosen, whatever it is", () => {
    const more = [...season, file(4, "S/disc.iso", { kind: "other" })];
    expect(paths(playable(more, 4))[0]).toBe("S/disc.iso");
  });
  it("has the songs of an album", () => {
    expect(paths(playable([file(0, "2.mp3", { kind: "audio" }), file(1, "1.mp3", { kind: "audio" })], null))).toEqual(["1.mp3", "2.mp3"]);
  });
  it("is empty where there is no choice", () => {
    expect(playable([file(0, "film.mkv"), file(1, "film.srt", { kind: "subtitles" })], 0)).toEqual([]);
    expect(playable([], null)).toEqual([]);
  });
});

it("names the folders but for those that all are in", () => {
  const named = foldersOf([file(0, "Show/S1/e1"), file(1, "Show/S1/x/e2"), file(2, "Show/e3")]);
  expect([...named]).toEqual([[0, "S1"], [1, "S1 / x"], [2, ""]]);
  expect([...foldersOf([file(7, "a/b/c")])]).toEqual([[7, ""]]);
  expect(foldersOf([]).size).toBe(0);
});

it("knows the next and the one before", () => {
  const files = [file(5, "a"), file(2, "b"), file(9, "c")];
  expect(neighbour(files, 2, 1)?.index).toBe(9);
  expect(neighbour(files, 2, -1)?.index).toBe(5);
  expect(neighbour(files, 9, 1)).toBeUndefined();
  expect(neighbour(files, 5, -1)).toBeUndefined();
  expect(neighbour(files, null, 1)).toBeUndefined();
});

it("remembers a place for each file, once it is known which", () => {
  const of = (key: string, which: number | null) => placeOf({ id: "a", publisher: { key, name: "" } }, which);
  expect([of("", 3), of("", 0), of("", null), of("k", null)]).toEqual(["a/3", "a", undefined, "a"]);
});

it("a file that becomes known is no other one; nor is one that is not known any more", () => {
  const turns = new Turns();
  expect([null, 2, 2, null, 2, 0, 2].map((which) => turns.take(which))).toEqual([0, 0, 0, 0, 0, 1, 2]);
});

describe("cutTo", () => {
  const swarm = (offset: number, pieces = "0011220011"): Swarm => ({
    ...{ id: "a", piece_length: 10, offset, pieces, available: "0123456789", playheads: [0, 12], peers: [] },
    ...{ sources: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], download_rate: 1, upload_rate: 0, downloaded: 1, uploaded: 0 },
  });

  it("has the pieces of the file only", () => {
    const cut = cutTo(swarm(25), 30);
    expect(cut).toMatchObject({ offset: 5, pieces: "1122", available: "2345", sources: [2, 3, 4, 5], playheads: [0, 12] });
    expect(spanOf(cut, { size: 30 })).toEqual({ from: 0.5, length: 3 });
  });
  it("ends where the file ends", () => {
    expect(cutTo(swarm(20), 20).pieces).toBe("11");
    expect(cutTo(swarm(98), 2).pieces).toBe("1");
  });
  it("leaves a torrent of one file as it is, and one of which nothing is known", () => {
    for (const whole of [swarm(0), swarm(0, ""), { ...swarm(0), piece_length: 0 }]) expect(cutTo(whole, 100)).toBe(whole);
    expect(spanOf({ ...swarm(0), piece_length: 0 }, { size: 9 })).toBeUndefined();
    expect(spanOf(undefined, { size: 9 })).toBeUndefined();
    expect(spanOf(swarm(0), { size: 0 })).toBeUndefined();
  });
  it("has a piece at least, and no more than there are", () => {
    expect(cutTo(swarm(30), 0).pieces).toBe("1");
    expect(cutTo(swarm(85), 100).pieces).toBe("11");
  });
});
