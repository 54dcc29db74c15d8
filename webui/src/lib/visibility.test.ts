import { expect, test } from "vitest";
import type { Video } from "./types";
import { CANNOT_BE_TAKEN_BACK, CHOICES, isVisibility, labelOf, narrows, toldOf, whyNot } from "./visibility";

const video = (changes: Partial<Video>): Video => ({ state: "complete", visibility: "public", widest: "public", ...changes }) as Video;

test("every choice has a label and a meaning", () => {
  expect(CHOICES.map((choice) => choice.value)).toEqual(["public", "unlisted", "private"]);
  expect(labelOf("unlisted")).toBe("Unlisted");
  expect(isVisibility("private")).toBe(true);
  expect(isVisibility("secret")).toBe(false);
  expect(isVisibility(null)).toBe(false);
});

test("what cannot be chosen says why", () => {
  for (const { value } of CHOICES) expect(whyNot(video({}), value)).toBe("");
  expect(whyNot(video({ state: "fetching" }), "private")).toContain("complete");
  expect(whyNot(video({ state: "fetching" }), "unlisted")).toBe("");
  expect(whyNot(video({ widest: "unlisted" }), "public")).toContain("publisher");
  expect(whyNot(video({ widest: "unlisted" }), "private")).toBe("");
});

test("who narrows it is told what stays with others", () => {
  expect(narrows("public", "private")).toBe(true);
  expect(narrows("private", "unlisted")).toBe(false);
  expect(toldOf("public", "unlisted")).toContain(CANNOT_BE_TAKEN_BACK);
  expect(toldOf("private", "public")).toBe("Public now. Everybody can find it and watch it.");
});
