// A node that exists in memory only: `npm run dev` shows every page without a network.
// `?empty` in the address bar (before the #) is a node on its first day.

import { Failure, type Backend, type Stop, type Upload } from "./backend";
import { NOW, makePeers, makeSwarm, posterOf, trackerAt } from "./mock-data";
import { TICK_MS, World } from "./mock-world";
import type { Job, Settings, Video, Visibility } from "./types";
import { whyNot } from "./visibility";

const CAPTIONS = "WEBVTT\n\n00:00.000 --> 59:00.000\nA line of captions\n";
const AT_RESTART = new Set<keyof Settings>(["port", "swarm_port", "web_port", "public_port", "public_url", "dht", "lan", "max_peers", "proxy", "anonymous"]);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What an answer takes on loopback, and a copy of it, as over the wire. */
async function answer<T>(value: T, ms = 30): Promise<T> {
  await pause(ms);
  return structuredClone(value);
}

function refuse(message: string, status: number): never {
  throw new Failure(message, status);
}

function videoOf(world: World, id: string): Video {
  return world.videos.get(id) ?? refuse("No such video is known here.", 404);
}

function videoCalls(world: World) {
  return {
    node: async () => answer(world.node()),
    videos: async () => answer(world.ours(), 150),
    video: async (id) => answer(videoOf(world, id)),
    updateVideo: async (id, changes) => {
      const video = videoOf(world, id);
      const { visibility = video.visibility, ...texts } = changes;
      if (!video.mine && Object.keys(texts).length) refuse("Only its publisher can change a video's description.", 409);
      const why = visibility === video.visibility ? "" : whyNot(video, visibility);
      if (why) refuse(why, 409);
      const magnet = visibility === "private" ? "" : `magnet:?xt=urn:btih:${id}`;
      return answer(world.setVideo(id, { ...texts, visibility, magnet }), 200);
    },
    deleteVideo: async (id, deleteFile) => {
      const { path } = videoOf(world, id);
      await pause(150);
      if (deleteFile && path) world.deleted.push(path);
      world.videos.delete(id);
      world.swarms.delete(id);
      world.send({ kind: "removed", data: id });
    },
    fetchVideo: async (id, keep) => {
      if (videoOf(world, id).state === "complete") return answer(world.setVideo(id, { keep }));
      const { size, state, progress } = videoOf(world, id);
      const window = keep || size <= world.settings.play_window ? 0 : world.settings.play_window;
      // A change of mind goes on where it was.
      if (state === "fetching") return answer(world.setVideo(id, { keep, window }));
      const video = world.setVideo(id, { state: "fetching", keep, window, detail: "", added_at: NOW(), progress: 0, classic: false });
      const swarm = makeSwarm(world.random, video);
      world.swarms.set(id, { ...swarm, playheads: keep ? [] : [0] });
      return answer(video);
    },
    stopFetch: async (id) => {
      if (videoOf(world, id).state === "complete") refuse("The video is complete: delete it to be rid of it.", 409);
      world.swarms.delete(id);
      world.send({ kind: "removed", data: id });
      return answer(world.setVideo(id, { state: "remote", progress: 0, added_at: null, path: null, detail: "" }));
    },
    files: async (id) => {
      const { file_name, size, progress, file } = videoOf(world, id);
      const only = { index: 0, path: file_name, size, kind: "video" as const, language: "", chosen: true, title: "", progress };
      return answer((world.files.get(id) ?? [only]).map((each) => ({ ...each, chosen: each.index === (file ?? 0) })));
    },
    chooseFile: async (id, index) => {
      videoOf(world, id);
      const file = world.files.get(id)?.find((each) => each.index === index);
      if (!file) refuse("There is no such file.", 400);
      await pause(400);
      if (file.path.includes("Extras")) {
        // As if it was asked for a while.
        await pause(1600);
        refuse("nobody who has this torrent can be reached at the moment", 503);
      }
      return answer(world.choose(id, index));
    },
    swarm: async (id) => {
      videoOf(world, id);
      return answer(world.swarm(id));
    },
    prefetch: async (id) => answer(videoOf(world, id).state === "remote"),
    cancelPrefetch: () => pause(0),
    openInPlayer: async (id, player) => {
      videoOf(world, id);
      if (player === "mpv") refuse("mpv was not found on this machine.", 409);
      await pause(200);
    },
    streamUrl: () => (import.meta.env.VITE_MOCK_VIDEO as string | undefined) ?? "",
    posterUrl: posterOf,
    captionsUrl: () => `data:text/vtt,${encodeURIComponent(CAPTIONS)}`,
  } satisfies Partial<Backend>;
}

function upload(world: World, file: File, visibility: Visibility, progress: (fraction: number) => void): Upload {
  const steps = 20;
  let cancelled = false;
  const run = async (): Promise<Job> => {
    for (let step = 1; step <= steps; step++) {
      await pause(120);
      if (cancelled) refuse("The upload was cancelled.", 0);
      progress(step / steps);
    }
    return answer(world.addJob(file.name, visibility));
  };
  return { done: run(), cancel: () => (cancelled = true) };
}

function jobCalls(world: World) {
  return {
    addPath: async (path, visibility) => {
      await pause(60);
      if (!path.startsWith("/") || path.includes("missing")) refuse(`There is no file ${path}.`, 422);
      return answer(world.addJob(path, visibility));
    },
    addUrl: async (url, visibility) => {
      await pause(60);
      if (!/^(https?:\/\/|magnet:)/.test(url)) refuse("This is no http, https or magnet address.", 422);
      return answer(world.addJob(url, visibility));
    },
    upload: (file, visibility, progress) => upload(world, file, visibility, progress),
    jobs: async () => answer([...world.jobs.values()]),
    cancelJob: async (id) => {
      const job = world.jobs.get(id) ?? refuse("No such job.", 404);
      return answer(world.setJob({ ...job, state: "cancelled", remaining: null }));
    },
  } satisfies Partial<Backend>;
}

const matches = (video: Video, text: string): boolean =>
  `${video.title} ${video.description}`.toLowerCase().includes(text.toLowerCase());

/** Results come one by one, as from peers that are asked: each of ours at once, others later. */
function search(world: World, text: string, seconds: number, result: (video: Video) => void, done: () => void): Stop {
  const found = [...world.videos.values()].filter((video) => matches(video, text));
  const timers: ReturnType<typeof setTimeout>[] = [];
  const at = (ms: number, act: () => void) => void timers.push(setTimeout(act, ms));
  const last = Math.min(seconds * 1000, 2500);
  found.forEach((video, index) => {
    const ms = video.state === "remote" ? 250 + (index / found.length) * (last - 500) : 20;
    // Said twice, since further holders answer later.
    at(ms, () => result(structuredClone({ ...video, holders: video.holders.slice(0, 1) })));
    if (video.holders.length > 1) at(ms + 180, () => result(structuredClone(video)));
  });
  at(last, done);
  return () => timers.forEach(clearTimeout);
}

function peerCalls(world: World) {
  const told = () => world.send({ kind: "peers", data: world.peers });
  const found = (host: string, port: number) => {
    const peer = { ...makePeers(world.random, 1)[0]!, id: `${host}:${port}`, host, port };
    world.peers = [...world.peers.filter((other) => other.id !== peer.id), peer];
    world.graph.nodes.push({ id: peer.id, name: peer.name, kind: peer.kind, videos: 3 });
    world.graph.links.push([world.self, peer.id]);
    told();
    return peer;
  };
  return {
    peers: async () => answer(world.peers),
    peerGraph: async () => answer(world.graph, 120),
    trackers: async () => answer(world.settings.tracker.map(trackerAt)),
    addPeer: async (address) => {
      const [, host = "", port = ""] = /^(.+):(\d{1,5})$/.exec(address.trim()) ?? refuse("An address looks like 192.168.1.7:5678.", 422);
      await pause(500);
      if (host.endsWith(".99")) refuse(`${address} does not answer.`, 502);
      return answer(found(host, Number(port)));
    },
    removePeer: async (id) => {
      world.peers = world.peers.filter((peer) => peer.id !== id);
      world.graph.nodes = world.graph.nodes.filter((node) => node.id !== id);
      world.graph.links = world.graph.links.filter((link) => !link.includes(id));
      await pause(80);
      told();
    },
    refreshPeers: async () => {
      for (const { id } of [...world.peers]) {
        await pause(60);
        const alive = world.random() > 0.08;
        const latency = alive ? 0.001 + world.random() * 0.1 : null;
        world.peers = world.peers.map((peer) =>
          peer.id === id ? { ...peer, alive, latency, last_seen: alive ? NOW() : peer.last_seen } : peer,
        );
        told();
      }
      return answer(world.peers);
    },
    rebuildPeers: async (_address, hops) => {
      for (let n = 1; n <= hops * 2; n++) {
        await pause(250);
        found(`198.51.100.${n + world.peers.length}`, 5678);
      }
      return answer(world.peers);
    },
  } satisfies Partial<Backend>;
}

/** As if the mock had been started with `--max-peers`. */
const FIXED = ["max_peers"];

export function createMock(empty = new URLSearchParams(location.search).has("empty")): Backend {
  const world = new World(empty);
  const changed = new Set<string>();
  return {
    ...videoCalls(world),
    ...jobCalls(world),
    ...peerCalls(world),
    search: (text, seconds, result, done) => search(world, text, seconds, result, done),
    settings: async () => answer({ settings: world.settings, restart: [...changed], fixed: FIXED }),
    changeSettings: async (changes) => {
      if (changes.name === "") refuse("The name must not be empty.", 422);
      Object.assign(world.settings, changes);
      for (const name of Object.keys(changes)) if (AT_RESTART.has(name as keyof Settings)) changed.add(name);
      if (changes.tracker) world.send({ kind: "trackers", data: world.settings.tracker.map(trackerAt) });
      return answer({ settings: world.settings, restart: [...changed], fixed: FIXED }, 200);
    },
    events: (on, connection) => {
      world.listeners.add(on);
      const opened = setTimeout(() => {
        connection(true);
        on({ kind: "ready" });
      }, 50);
      const clock = setInterval(() => world.tick(), TICK_MS);
      return () => {
        world.listeners.delete(on);
        clearTimeout(opened);
        clearInterval(clock);
      };
    },
  };
}

// Pure, as the comment tells the bundler: what is built for earnest use leaves all of this out.
export const mock: Backend = /* @__PURE__ */ createMock();
