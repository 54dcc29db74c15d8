// What the pages show: filled once from the API, then kept true by its events. No polling.

import { SvelteMap } from "svelte/reactivity";
import type { Backend, Stop } from "./backend";
import type { Job, NodeEvent, NodeInfo, Peer, Swarm, Tracker, Video } from "./types";

export class AppState {
  /** Ours, and those of the network that were heard of, by id. */
  videos = new SvelteMap<string, Video>();
  jobs = new SvelteMap<string, Job>();
  swarms = new SvelteMap<string, Swarm>();
  peers = $state.raw<Peer[]>([]);
  trackers = $state.raw<Tracker[]>([]);
  node = $state.raw<NodeInfo | undefined>(undefined);
  /** Whether there was a peer since the page was opened. */
  met = $state(false);
  /** Whether the node answers; it may be restarted under an open page. */
  online = $state(true);
  loaded = $state(false);

  mine = $derived(
    [...this.videos.values()].filter((video) => video.state !== "remote").sort((a, b) => added(b) - added(a)),
  );
  all = $derived([...this.videos.values()].sort((a, b) => b.published_at - a.published_at));
  activeJobs = $derived([...this.jobs.values()].filter((job) => job.state === "queued" || job.state === "running"));

  /** What events told of since the last reload began: newer than its answers. */
  private heard = new Set<string>();

  constructor(readonly backend: Backend) {}

  start(): Stop {
    return this.backend.events(
      (event) => this.take(event),
      (up) => (this.online = up),
    );
  }

  take(event: NodeEvent): void {
    this.heard.add(keyOf(event));
    switch (event.kind) {
      case "ready":
        void this.reload();
        break;
      case "job":
        this.jobs.set(event.data.id, event.data);
        break;
      case "video":
        // What was told of the swarm is about another file of its torrent.
        if (this.videos.get(event.data.id)?.file !== event.data.file) this.swarms.delete(event.data.id);
        this.videos.set(event.data.id, event.data);
        break;
      case "removed":
        this.videos.delete(event.data);
        this.swarms.delete(event.data);
        break;
      case "peers":
        this.know(event.data);
        break;
      case "trackers":
        this.trackers = event.data;
        break;
      case "swarm":
        this.swarms.set(event.data.id, event.data);
        break;
    }
  }

  /** A result of a search: what we know of our own videos is newer. */
  hear(video: Video): void {
    const known = this.videos.get(video.id);
    if (known === undefined || known.state === "remote" || video.state !== "remote") this.videos.set(video.id, video);
  }

  private know(peers: Peer[]): void {
    this.peers = peers;
    if (peers.length) this.met = true;
  }

  private async reload(): Promise<void> {
    const heard = (this.heard = new Set<string>());
    try {
      const [node, videos, jobs, peers, trackers] = await Promise.all([
        this.backend.node(),
        this.backend.videos(),
        this.backend.jobs(),
        this.backend.peers(),
        this.backend.trackers(),
      ]);
      // Another reload began meanwhile.
      if (heard !== this.heard) return;
      const ours = new Set(videos.map((video) => video.id));
      for (const { id, state } of [...this.videos.values()]) {
        if (state !== "remote" && !ours.has(id) && !heard.has(id)) this.videos.delete(id);
      }
      for (const video of videos) if (!heard.has(video.id)) this.videos.set(video.id, video);
      for (const job of jobs) if (!heard.has(job.id)) this.jobs.set(job.id, job);
      if (!heard.has("peers")) this.know(peers);
      if (!heard.has("trackers")) this.trackers = trackers;
      this.node = node;
      this.loaded = true;
    } catch {
      // The event stream notices that the node is away, and calls this again when it is back.
    }
  }
}

const added = (video: Video): number => video.added_at ?? 0;

/** The id of the video or job that an event is about; a swarm's does not tell of the video itself. */
function keyOf(event: NodeEvent): string {
  if (event.kind === "video" || event.kind === "job") return event.data.id;
  return event.kind === "removed" ? event.data : event.kind;
}
