import { beforeEach, expect, it } from "vitest";
import { captionsLabel, keepCaptions, preferred, rememberCaptions, showCaptions, shownCaptions, toggleCaptions } from "./captions";

interface Track {
  kind: string;
  mode: string;
  language: string;
}
const track = (language: string, kind = "captions"): Track => ({ kind, mode: "disabled", language });
const videoOf = (...tracks: Track[]): HTMLVideoElement =>
  ({ textTracks: Object.assign(new EventTarget(), { [Symbol.iterator]: () => tracks.values() }) }) as unknown as HTMLVideoElement;

beforeEach(() => localStorage.clear());

it("turns captions on and off, where there are any", () => {
  const only = track("de");
  const video = videoOf(track("", "metadata"), only);
  expect(toggleCaptions(video)).toBe("Captions on");
  expect(only.mode).toBe("showing");
  expect(toggleCaptions(video)).toBe("Captions off");
  expect(only.mode).toBe("disabled");
  expect(toggleCaptions(videoOf(track("", "metadata")))).toBe("No captions");
});
it("says which of several languages it shows, and comes back to the one that was chosen", () => {
  const [french, english] = [track("fr"), track("en")];
  const video = videoOf(french, english);
  const stop = rememberCaptions(video);
  expect(toggleCaptions(video)).toBe("Captions: English"); // the browser's
  toggleCaptions(video);
  french.mode = "showing";
  video.textTracks.dispatchEvent(new Event("change"));
  toggleCaptions(video);
  expect(toggleCaptions(video)).toBe("Captions: French");
  stop();
});
it("takes a variant of a language rather than another language", () => {
  const tracks = [track("fr"), track("pt-BR")];
  expect(preferred(tracks, ["pt"])?.language).toBe("pt-BR");
  expect(preferred(tracks, ["", "ja"])?.language).toBe("fr");
  expect(preferred([], ["pt"])).toBeUndefined();
});
it("names languages, known or not", () => {
  expect(["de", "und"].map(captionsLabel)).toEqual(["German", "Captions"]);
});
it("shows one language at a time, or none", () => {
  const video = videoOf(track("fr"), track("en"));
  for (const language of ["fr", "en", undefined]) {
    showCaptions(video, language);
    expect(shownCaptions(video)).toBe(language);
  }
});
it("keeps captions on from one file of a torrent to the next", () => {
  const tracks = [track("fr"), track("en")];
  const video = { textTracks: Object.assign(new EventTarget(), { [Symbol.iterator]: () => tracks.values() }) } as unknown as HTMLVideoElement;
  const tell = (name: string) => video.textTracks.dispatchEvent(new Event(name));
  const replace = (...others: Track[]) => {
    tracks.splice(0, tracks.length, ...others);
    tell("addtrack");
  };
  const stop = keepCaptions(video);
  replace(track("en"));
  expect(shownCaptions(video)).toBeUndefined();
  showCaptions(video, "en");
  tell("change");
  // In that language, even where another one is there first.
  replace(track("fr"));
  expect(shownCaptions(video)).toBeUndefined();
  replace(track("fr"), track("en"));
  expect(shownCaptions(video)).toBe("en");
  showCaptions(video, undefined);
  tell("change");
  replace(track("en"));
  expect(shownCaptions(video)).toBeUndefined();
  stop();
});
