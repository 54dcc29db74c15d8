import { describe, expect, test } from "vitest";
import { embedCode, watchLink } from "./sharing";
import type { Video } from "./types";

const ID = "ab".repeat(20);
const video = { id: ID, title: "A clip", width: 1920, height: 1080, state: "complete", visibility: "public" } as Video;

describe("the link for who has no p2ptube", () => {
  test("is there for what the node shows to strangers", () => {
    expect(watchLink("https://tube.example", video)).toBe(`https://tube.example/watch/${ID}`);
    expect(watchLink("https://tube.example", { ...video, state: "fetching", visibility: "unlisted" })).not.toBe("");
  });

  test("is not there without a public port, for private videos and for those of others", () => {
    expect(watchLink("", video)).toBe("");
    expect(watchLink("https://tube.example", { ...video, visibility: "private" })).toBe("");
    expect(watchLink("https://tube.example", { ...video, state: "remote" })).toBe("");
    expect(watchLink("https://tube.example", { ...video, state: "error" })).toBe("");
  });
});

describe("the code for other pages", () => {
  test("keeps the shape of the video", () => {
    expect(embedCode("https://tube.example", video)).toContain('width="1280" height="720"');
    expect(embedCode("https://tube.example", { ...video, width: 0, height: 0 })).toContain('width="640" height="360"');
  });

  test("shows any title as text", () => {
    const code = embedCode("https://tube.example", { ...video, title: `"><script>alert('1')</script>&` });
    const frame = new DOMParser().parseFromString(code, "text/html").body.children;
    expect(frame).toHaveLength(1);
    expect(frame[0]?.getAttribute("title")).toBe(`"><script>alert('1')</script>&`);
    expect(frame[0]?.getAttribute("src")).toBe(`https://tube.example/embed/${ID}`);
  });
});
