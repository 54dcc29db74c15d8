// Captions: off until they are asked for, and then in the language that was chosen last.

import type { Stop } from "../backend";
import { languageName } from "../library/languages";

const CHOSEN = "captions";
const UNKNOWN = "und";

export const captionsLabel = (language: string): string =>
  language === UNKNOWN ? "Captions" : languageName(language);

function tracksOf(video: HTMLVideoElement): TextTrack[] {
  return [...video.textTracks].filter((track) => track.kind === "captions" || track.kind === "subtitles");
}

const base = (tag: string): string => tag.toLowerCase().split("-")[0] ?? "";

/** The track of the first of these languages that there is, else the first track. */
export function preferred<T extends { language: string }>(tracks: T[], languages: readonly string[]): T | undefined {
  for (const wanted of languages) {
    const found =
      tracks.find((track) => track.language === wanted) ?? tracks.find((track) => base(track.language) === base(wanted));
    if (wanted && found) return found;
  }
  return tracks[0];
}

function chosen(): string {
  try {
    return localStorage.getItem(CHOSEN) ?? "";
  } catch {
    return ""; // a frame that may keep nothing
  }
}

function choose(language: string): void {
  try {
    localStorage.setItem(CHOSEN, language);
  } catch {
    // It costs the choice, not the captions.
  }
}

/** The language in which captions are shown; undefined where none are. */
export const shownCaptions = (video: HTMLVideoElement): string | undefined =>
  tracksOf(video).find((track) => track.mode === "showing")?.language;

/** Shows captions in this language, and in no other; in none where it is undefined. */
export function showCaptions(video: HTMLVideoElement, language: string | undefined): void {
  for (const track of tracksOf(video)) track.mode = track.language === language ? "showing" : "disabled";
}

/** Captions on or off; says which. */
export function toggleCaptions(video: HTMLVideoElement): string {
  const tracks = tracksOf(video);
  if (shownCaptions(video) !== undefined) {
    showCaptions(video, undefined);
    return "Captions off";
  }
  const track = preferred(tracks, [chosen(), ...navigator.languages]);
  if (!track) return "No captions";
  showCaptions(video, track.language);
  return tracks.length > 1 ? `Captions: ${captionsLabel(track.language)}` : "Captions on";
}

/** From now on remembers the language in which captions are shown; the returned function ends that. */
export function rememberCaptions(video: HTMLVideoElement): Stop {
  const tracks = video.textTracks;
  const save = () => {
    const shown = shownCaptions(video);
    if (shown !== undefined) choose(shown);
  };
  tracks.addEventListener("change", save);
  return () => tracks.removeEventListener("change", save);
}

/** From now on captions stay on, in their language, when other tracks take the place of those there are. */
export function keepCaptions(video: HTMLVideoElement): Stop {
  const tracks = video.textTracks;
  // That a track goes is no change of what its viewer wants, and tells none.
  let wanted = shownCaptions(video);
  const change = () => (wanted = shownCaptions(video));
  const added = () => wanted !== undefined && shownCaptions(video) === undefined && showCaptions(video, wanted);
  tracks.addEventListener("change", change);
  tracks.addEventListener("addtrack", added);
  return () => {
    tracks.removeEventListener("change", change);
    tracks.removeEventListener("addtrack", added);
  };
}
