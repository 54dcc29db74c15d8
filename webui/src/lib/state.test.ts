import { expect, test } from "vitest";
import type { Backend } from "./backend";
import { AppState } from "./state.svelte";
import type { Job, NodeInfo, Peer, Swarm, Tracker, Video } from "./types";

const video = (id: string, title: string) => ({ id, title, state: "complete" }) as Video;

function started() {
  let answer: (node: NodeInfo) => void = () => undefined;
  const backend = {
    node: () => new Promise<NodeInfo>((resolve) => (answer = resolve)),
    videos: async () => [video("a", "old"), video("b", "old")],
    jobs: async () => [{ id: "j", state: "running" } as Job],
    peers: async () => [] as Peer[],
    trackers: async () => [] as Tracker[],
  };
  const app = new AppState(backend as unknown as Backend);
  app.take({ kind: "ready" });
  return { app, answer: () => answer({} as NodeInfo) };
}

test("a reload fills the state and drops what is gone", async () => {
  const { app, answer } = started();
  app.videos.set("gone", video("gone", "was ours"));
  answer();
  await expect.poll(() => app.loaded).toBe(true);
  expect([...app.videos.keys()].sort()).toEqual(["a", "b"]);
});

test("what events tell during a reload is newer than its answers", async () => {
  const { app, answer } = started();
  app.take({ kind: "video", data: video("a", "new") });
  app.take({ kind: "video", data: video("c", "new") });
  app.take({ kind: "removed", data: "b" });
  app.take({ kind: "job", data: { id: "j", state: "done" } as Job });
  app.take({ kind: "peers", data: [{ id: "p" } as Peer] });
  app.take({ kind: "trackers", data: [{ url: "udp://t:1" } as Tracker] });
  answer();
  await expect.poll(() => app.loaded).toBe(true);
  expect([...app.videos.values()].map(({ id, title }) => [id, title])).toEqual([["a", "new"], ["c", "new"]]);
  expect([app.jobs.get("j")?.state, app.peers.length, app.trackers.length]).toEqual(["done", 1, 1]);
});

test("what was told of a swarm is forgotten when another file of its torrent is chosen", () => {
  const { app } = started();
  const of = (file: number) => ({ kind: "video", data: { ...video("a", "x"), file } }) as const;
  app.take(of(1));
  app.take({ kind: "swarm", data: { id: "a" } as Swarm });
  app.take(of(1));
  expect(app.swarms.has("a")).toBe(true);
  app.take(of(2));
  expect(app.swarms.has("a")).toBe(false);
});
