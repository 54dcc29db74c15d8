import { expect, it } from "vitest";
import type { Video } from "../types";
import { bitRate, factsOf, stateOf, unkeptOf } from "./facts";

const BARE = {
  ...{ id: "ab", title: "", file_name: "film.mp4", duration: 0, size: 0, width: 0, height: 0, video_codec: "" },
  ...{ audio_codec: "", bit_rate: 0, language: "", path: null, sha256: "", captions: [] as string[], publisher: { key: "", name: "" } },
} as Video;

it("names only what is known", () => {
  expect(factsOf(BARE).map((fact) => fact.name)).toEqual(["File", "Id"]);
});
it("names all that is known", () => {
  const facts = factsOf({ ...BARE, size: 9.6e6, width: 640, height: 360, video_codec: "h264", audio_codec: "aac", bit_rate: 1.2e6, captions: ["en", "de"] });
  expect(Object.fromEntries(facts.map((fact) => [fact.name, fact.value]))).toMatchObject({
    ...{ Size: "9.6 MB", Resolution: "640 × 360", Codecs: "h264 + aac", "Bit rate": "1.2 Mbit/s", Captions: "English, German" },
  });
});
it("tells rates of bits", () => expect(bitRate(96_000)).toBe("96 kbit/s"));
it("tells the state", () => {
  expect(stateOf({ ...BARE, state: "fetching", progress: 0.437 })).toBe("Fetching 43%");
  expect(stateOf({ ...BARE, state: "remote" })).toBe("On the network");
  expect(stateOf({ ...BARE, state: "fetching", window: 64e6 })).toBe("Playing without keeping");
});
it("tells what a video takes that is not kept", () => {
  const playing: Video = { ...BARE, state: "fetching", keep: false, window: 64e6 };
  expect(unkeptOf(playing)).toContain("At most 64 MB");
  expect(unkeptOf({ ...playing, window: 0 })).toContain("All of it");
  expect(unkeptOf({ ...playing, keep: true })).toBe("");
  expect(unkeptOf({ ...playing, state: "remote" })).toBe("");
});
