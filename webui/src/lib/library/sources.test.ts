import { expect, test } from "vitest";
import { carries, droppedIn, sift, sourceOf } from "./sources";

test.each([
  ["https://example.org/a.mp4", "url", "https://example.org/a.mp4"],
  [" HTTP://example.org ", "url", "HTTP://example.org"],
  ["magnet:?xt=urn:btih:00", "url", "magnet:?xt=urn:btih:00"],
  ["AB".repeat(20), "url", `magnet:?xt=urn:btih:${"ab".repeat(20)}`],
  ["/home/me/a b.mp4", "path", "/home/me/a b.mp4"],
  ["'/home/me/a b.mp4'", "path", "/home/me/a b.mp4"],
  ['"C:\\Videos\\a.mp4"', "path", "C:\\Videos\\a.mp4"],
  ["file:///home/me/a%20b.mp4", "path", "/home/me/a b.mp4"],
  ["file:///%E0%A4%A", "none", ""],
  ["   ", "none", ""],
])("%s", (text, kind, value) => {
  expect(sourceOf(text)).toEqual({ kind, value });
});

test("what is certainly no video is refused in words, the rest is the node's to judge", () => {
  const { files, refused } = sift([
    new File(["x"], "a.mkv"),
    new File(["x"], "b.mp4", { type: "video/mp4" }),
    new File(["x"], "c.png", { type: "image/png" }),
    new File([], "d.mp4"),
    new File(["x"], "e.ts", { type: "text/vnd.trolltech.linguist" }),
  ]);
  expect(files.map(({ name }) => name)).toEqual(["a.mkv", "b.mp4", "e.ts"]);
  expect(refused).toEqual(["c.png is not a video.", "d.mp4 is empty."]);
});

const transfer = (items: object[], uris = "") => ({ items, getData: () => uris }) as unknown as DataTransfer;
const item = (name: string, isDirectory = false) => ({
  kind: "file",
  webkitGetAsEntry: () => ({ isDirectory }),
  getAsFile: () => new File(["x"], name),
});

test("files, folders and links are told apart", () => {
  const { files, refused, url } = droppedIn(transfer([item("a.mp4"), item("folder", true), { kind: "string" }], "https://x/"));
  expect(files).toHaveLength(1);
  expect(refused[0]).toContain("folder");
  expect(url).toBe("");
  expect(droppedIn(transfer([{ kind: "string" }], "https://x/a.mp4\r\nhttps://x/b")).url).toBe("https://x/a.mp4");
});

test("a selection of text that is dragged is none of ours", () => {
  expect(carries(["text/plain", "text/html"])).toBe(false);
  expect(carries(["Files"])).toBe(true);
});
