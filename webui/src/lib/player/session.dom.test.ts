import { beforeEach, expect, it, vi } from "vitest";
import { recall, remember } from "./position";
import { keepPosition, reload } from "./session";

function videoOf(duration: number): HTMLVideoElement {
  const video = document.createElement("video");
  Object.defineProperties(video, {
    duration: { value: duration, configurable: true },
    currentTime: { value: 0, writable: true },
  });
  return video;
}
const tell = (video: HTMLVideoElement, name: string) => video.dispatchEvent(new Event(name));

beforeEach(() => localStorage.clear());

it("goes on where it was left, once", () => {
  remember("a", 40, 100);
  const video = videoOf(100);
  keepPosition(video, () => "a");
  tell(video, "loadedmetadata");
  expect(video.currentTime).toBe(40);
  video.currentTime = 70;
  tell(video, "loadedmetadata");
  expect(video.currentTime).toBe(70);
});
it("does not forget the place before the video is there", () => {
  remember("a", 40, 100);
  const stop = keepPosition(videoOf(NaN), () => "a");
  stop();
  expect(recall("a", 100)).toBe(40);
});
it("goes on late where it becomes known late which file it is", () => {
  remember("a/2", 40, 100);
  remember("a", 60, 100);
  const video = videoOf(100);
  let place: string | undefined;
  const stop = keepPosition(video, () => place);
  tell(video, "loadedmetadata");
  tell(video, "pause");
  tell(video, "ended");
  expect([video.currentTime, recall("a", 100)]).toEqual([0, 60]);
  place = "a/2";
  video.currentTime = 1;
  tell(video, "timeupdate");
  expect(video.currentTime).toBe(40);
  video.currentTime = 50;
  stop();
  expect([recall("a/2", 100), recall("a", 100)]).toEqual([50, 60]);
});
it("saves now and then, at a pause and when it is closed", () => {
  const video = videoOf(100);
  const stop = keepPosition(video, () => "a");
  tell(video, "loadedmetadata");
  video.currentTime = 20;
  tell(video, "timeupdate");
  video.currentTime = 22;
  tell(video, "timeupdate");
  expect(recall("a", 100)).toBe(20);
  tell(video, "pause");
  expect(recall("a", 100)).toBe(22);
  video.currentTime = 30;
  stop();
  expect(recall("a", 100)).toBe(30);
});
it("starts anew after the end", () => {
  const video = videoOf(100);
  keepPosition(video, () => "a");
  tell(video, "loadedmetadata");
  video.currentTime = 50;
  tell(video, "pause");
  tell(video, "ended");
  expect(recall("a", 100)).toBe(0);
});
it("loads a broken stream again at the same place", () => {
  const video = videoOf(100);
  Object.assign(video, { load: vi.fn(() => (video.currentTime = 0)), play: vi.fn(() => Promise.resolve()) });
  video.currentTime = 33;
  reload(video);
  tell(video, "loadedmetadata");
  expect(video.currentTime).toBe(33);
});
