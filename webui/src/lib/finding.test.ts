import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Finding } from "./finding.svelte";
import { makeVideo, seeded } from "./mock-data";
import type { Video, VideoState } from "./types";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const video = (id: string, state: VideoState = "remote", holders = 1): Video => ({
  ...makeVideo(seeded(1), id, 30, []),
  id,
  state,
  holders: Array.from({ length: holders }, (_, n) => ({ peer: `p${n}`, swarm: [] })),
});

function rig(pauses?: number[]) {
  const searches: { text: string; result: (video: Video) => void; done: (problem?: string) => void; stopped: boolean }[] = [];
  const heard: string[][] = [];
  const finding = new Finding(
    {
      search: (text, _seconds, result, done) => {
        const search = { text, result, done, stopped: false };
        searches.push(search);
        return () => (search.stopped = true);
      },
    },
    (videos) => heard.push(videos.map(({ id }) => id)),
    pauses,
  );
  return { finding, searches, heard };
}

test("shows local results first, and never moves what is shown", () => {
  const { finding, searches } = rig();
  finding.start("cat", 3);
  const [search] = searches;
  search!.result(video("far"));
  search!.result(video("near", "complete"));
  expect(finding.results.size).toBe(0);
  vi.advanceTimersByTime(120);
  expect([...finding.results.keys()]).toEqual(["near", "far"]);
  search!.result(video("late", "complete"));
  search!.result(video("far", "remote", 4));
  vi.advanceTimersByTime(120);
  expect([...finding.results.keys()]).toEqual(["near", "far", "late"]);
  expect(finding.results.get("far")!.holders).toHaveLength(4);
});

test("a new search ends the old one and hears no more of it", () => {
  const { finding, searches } = rig();
  const endFirst = finding.start("cat", 3);
  searches[0]!.result(video("cat"));
  finding.start("dog", 3);
  expect(searches[0]!.stopped).toBe(true);
  searches[0]!.result(video("cat2"));
  searches[0]!.done("too late");
  endFirst();
  vi.advanceTimersByTime(500);
  expect(finding.results.size).toBe(0);
  expect([finding.searching, finding.problem]).toEqual([true, ""]);
});

test("the end shows the rest at once", () => {
  const { finding, searches, heard } = rig([500, 60_000]);
  finding.start("", 3);
  searches[0]!.result(video("a"));
  vi.advanceTimersByTime(500);
  searches[0]!.result(video("b"));
  vi.advanceTimersByTime(2000);
  expect(heard).toEqual([["a"]]);
  searches[0]!.done();
  expect(heard).toEqual([["a"], ["b"]]);
  expect([finding.searching, finding.finished]).toEqual([false, true]);
});

test("stopped by the user, it keeps what it found", () => {
  const { finding, searches } = rig();
  finding.start("cat", 3);
  searches[0]!.result(video("cat"));
  finding.stop();
  expect(searches[0]!.stopped).toBe(true);
  expect([...finding.results.keys()]).toEqual(["cat"]);
  expect([finding.searching, finding.finished]).toEqual([false, true]);
});

test("left behind, it is silent", () => {
  const { finding, searches, heard } = rig();
  const leave = finding.start("cat", 3);
  searches[0]!.result(video("cat"));
  leave();
  vi.advanceTimersByTime(1000);
  expect([heard.length, finding.searching, finding.finished]).toEqual([0, false, false]);
});

test("tells what went wrong", () => {
  const { finding, searches } = rig();
  finding.start("cat", 3);
  searches[0]!.done("The search was cut off.");
  expect(finding.problem).toBe("The search was cut off.");
});
