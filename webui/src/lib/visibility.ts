// Who may see a video, in the same words everywhere.

import type { Video, Visibility } from "./types";

export interface Choice {
  value: Visibility;
  label: string;
  meaning: string;
}

export const CHOICES: readonly Choice[] = [
  { value: "public", label: "Public", meaning: "Everybody can find it and watch it." },
  { value: "unlisted", label: "Unlisted", meaning: "Only who has its link or id. It is in no search, list or index." },
  { value: "private", label: "Private", meaning: "Only you, on this node. Nobody else can get it." },
];

export const CANNOT_BE_TAKEN_BACK = "What others already hold stays with them: it cannot be taken back.";

export const labelOf = (visibility: Visibility): string => CHOICES.find((choice) => choice.value === visibility)!.label;

export const isVisibility = (text: unknown): text is Visibility => CHOICES.some((choice) => choice.value === text);

/** Why a video of this node cannot be shown so, in words; empty when it can. */
export function whyNot(video: Video, wanted: Visibility): string {
  if (wanted === "private" && video.state === "fetching") return "Possible once it is complete: who fetches a video also shares it.";
  if (wanted === "public" && video.widest !== "public") return "Its publisher shares it by its link only.";
  return "";
}

/** Whether this narrows who can get it, so that some may have it already. */
export function narrows(before: Visibility, after: Visibility): boolean {
  const order = CHOICES.map((choice) => choice.value);
  return order.indexOf(after) > order.indexOf(before);
}

/** What to say once it is so. */
export function toldOf(before: Visibility, after: Visibility): string {
  const now = CHOICES.find((choice) => choice.value === after)!;
  return `${now.label} now. ${narrows(before, after) ? CANNOT_BE_TAKEN_BACK : now.meaning}`;
}
