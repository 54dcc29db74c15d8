import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createMock } from "./mock";
import { AppState } from "./state.svelte";
import type { Video } from "./types";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Lets the mock's time pass until its answer is there. */
async function soon<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  await vi.advanceTimersByTimeAsync(5000);
  return promise;
}

async function opened(empty = false) {
  const backend = createMock(empty);
  const app = new AppState(backend);
  const stop = app.start();
  await vi.advanceTimersByTimeAsync(400);
  return { app, backend, stop };
}

test("fills the state as a node does", async () => {
  const { app, stop } = await opened();
  expect(app.loaded).toBe(true);
  expect(app.peers).toHaveLength(40);
  expect(new Set(app.mine.map((video) => video.state))).toEqual(new Set(["complete", "fetching", "error"]));
  expect(app.activeJobs.length).toBeGreaterThan(0);
  stop();
});

test("a node on its first day has nothing", async () => {
  const { app, stop } = await opened(true);
  expect(app.loaded).toBe(true);
  expect([app.videos.size, app.peers.length, app.jobs.size]).toEqual([0, 0, 0]);
  stop();
});

test("jobs and fetches go on until their videos are here", async () => {
  const { app, stop } = await opened();
  const fetching = app.mine.find((video) => video.state === "fetching" && !video.detail)!;
  await vi.advanceTimersByTimeAsync(10_000);
  const swarm = app.swarms.get(fetching.id)!;
  expect(app.videos.get(fetching.id)!.progress).toBeGreaterThan(fetching.progress);
  expect(swarm.sources.some((source) => source >= 0)).toBe(true);
  expect(swarm.peers.some((peer) => peer.downloaded > 0)).toBe(true);
  await vi.advanceTimersByTimeAsync(120_000);
  const done = [...app.jobs.values()].filter((job) => job.state === "done");
  expect(done.length).toBeGreaterThan(1);
  expect(app.videos.has(done.at(-1)!.video!)).toBe(true);
  stop();
});

test("a search tells its results one by one, then its end", async () => {
  const backend = createMock(false);
  const results: Video[] = [];
  const done = vi.fn();
  backend.search("", 3, (video) => results.push(video), done);
  await vi.advanceTimersByTimeAsync(300);
  const first = results.length;
  expect(done).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(3000);
  expect(results.length).toBeGreaterThan(first);
  expect(done).toHaveBeenCalledOnce();
});

test("a stopped search says nothing more", async () => {
  const backend = createMock(false);
  const result = vi.fn();
  backend.search("", 3, result, result)();
  await vi.advanceTimersByTimeAsync(4000);
  expect(result).not.toHaveBeenCalled();
});

test("deletes, fetches, stops and refuses as a node does", async () => {
  const { app, backend, stop } = await opened();
  const [gone] = app.mine;
  await soon(backend.deleteVideo(gone!.id, false));
  expect(app.videos.has(gone!.id)).toBe(false);
  await expect(soon(backend.video(gone!.id))).rejects.toMatchObject({ status: 404 });
  const complete = app.mine.find((video) => video.state === "complete")!;
  await expect(soon(backend.stopFetch(complete.id))).rejects.toMatchObject({ status: 409 });
  const foreign = app.mine.find((video) => !video.mine)!;
  await expect(soon(backend.updateVideo(foreign.id, { title: "x" }))).rejects.toMatchObject({ status: 409 });
  await expect(soon(backend.addPath("nowhere", "public"))).rejects.toMatchObject({ status: 422 });
  stop();
});

test("an upload tells its progress and can be cancelled", async () => {
  const backend = createMock(false);
  const progress = vi.fn();
  const job = await soon(backend.upload(new File(["x"], "a.mp4"), "private", progress).done);
  expect(job.label).toBe("a.mp4");
  expect(progress).toHaveBeenLastCalledWith(1);
  const other = backend.upload(new File(["x"], "b.mp4"), "public", progress);
  other.cancel();
  await expect(soon(other.done)).rejects.toMatchObject({ status: 0 });
});

test("rebuilding finds peers and the graph knows them", async () => {
  const { app, backend, stop } = await opened();
  await soon(backend.rebuildPeers("", 2));
  expect(app.peers.length).toBe(44);
  const graph = await soon(backend.peerGraph());
  const known = new Set(graph.nodes.map((node) => node.id));
  expect(graph.links.every(([from, to]) => known.has(from) && known.has(to))).toBe(true);
  stop();
});

test("posters are pictures that need no network", () => {
  expect(createMock(false).posterUrl("00ff".repeat(10))).toMatch(/^data:image\/svg\+xml,/);
});
