// The invented network as it moves: a tick makes jobs, fetches, rates and playheads go on.

import { between, hex, makeGraph, makeJobs, makePeers, makeSwarm, makeVideo, makeVideos, NOW, pick, seeded, SETTINGS, whole } from "./mock-data";
import { chosenFields, makeSeries } from "./mock-files";
import type { Job, NodeEvent, NodeInfo, Peer, PeerGraph, Settings, Swarm, TorrentFile, Video, Visibility } from "./types";

export const TICK_MS = 500;
const SECONDS = TICK_MS / 1000;
const STAGES: [number, string][] = [[0.02, "probe"], [0.9, "transcode"], [0.92, "poster"], [1, "hash"]];

export class World {
  readonly random = seeded(7);
  readonly self = "192.168.1.20:5678";
  readonly started = NOW();
  readonly videos = new Map<string, Video>();
  readonly swarms = new Map<string, Swarm>();
  /** Of the torrents of several files, by the id of the video. */
  readonly files = new Map<string, TorrentFile[]>();
  readonly jobs = new Map<string, Job>();
  readonly listeners = new Set<(event: NodeEvent) => void>();
  peers: Peer[];
  graph: PeerGraph;
  settings: Settings = structuredClone(SETTINGS);
  /** Where files lie: those of these paths were deleted in earnest. */
  readonly deleted: string[] = [];
  /** Who shall see what a job adds. */
  private readonly shown = new Map<string, Visibility>();

  constructor(empty = false) {
    this.peers = empty ? [] : makePeers(this.random, 40);
    this.graph = makeGraph(this.random, this.self, this.peers);
    if (empty) return;
    const videos = makeVideos(this.random, this.peers);
    for (const video of videos) this.videos.set(video.id, video);
    const series = makeSeries(this.peers);
    this.videos.set(series.video.id, series.video);
    this.files.set(series.video.id, series.files);
    for (const video of this.ours()) if (video.visibility !== "private") this.swarms.set(video.id, makeSwarm(this.random, video));
    for (const job of makeJobs(this.random, videos)) this.jobs.set(job.id, job);
  }

  ours(): Video[] {
    return [...this.videos.values()].filter((video) => video.state !== "remote");
  }

  send(event: NodeEvent): void {
    // A copy, as over the wire: nobody's change to it comes back here.
    for (const listener of [...this.listeners]) listener(structuredClone(event));
  }

  node(): NodeInfo {
    const swarms = [...this.swarms.values()];
    const ours = this.ours();
    const used = ours.filter((video) => !video.in_place).reduce((sum, video) => sum + video.size * video.progress, 0);
    return {
      peer_id: this.self,
      name: this.settings.name,
      key: "ab".repeat(32),
      version: "0.1.0",
      ports: { overlay: 5678, swarm: 5679, web: 5680, public: this.settings.public_port },
      public_url: this.settings.public_port === null ? "" : this.settings.public_url || `http://192.0.2.7:${this.settings.public_port}`,
      data_dir: "/home/me/.local/share/p2ptube",
      uptime: NOW() - this.started,
      peers: this.peers.length,
      videos: ours.length,
      storage_used: Math.round(used),
      storage_free: 84_300_000_000,
      download_rate: swarms.reduce((sum, swarm) => sum + swarm.download_rate, 0),
      upload_rate: swarms.reduce((sum, swarm) => sum + swarm.upload_rate, 0),
    };
  }

  setVideo(id: string, changes: Partial<Video>): Video {
    const video = { ...this.videos.get(id)!, ...changes };
    this.videos.set(id, video);
    this.send({ kind: "video", data: video });
    return video;
  }

  /** Another file of its torrent; what is here of the one before stays. */
  choose(id: string, index: number): Video {
    const before = this.videos.get(id)!;
    const files = this.files.get(id)!.map((file) => (file.index === before.file ? { ...file, progress: before.progress } : file));
    const chosen = files.find((file) => file.index === index)!;
    this.files.set(id, files);
    const video = this.setVideo(id, chosenFields(files, chosen));
    this.swarms.set(id, { ...makeSwarm(this.random, video), playheads: [0] });
    return video;
  }

  setJob(job: Job): Job {
    this.jobs.set(job.id, job);
    this.send({ kind: "job", data: job });
    return job;
  }

  addJob(label: string, visibility: Visibility): Job {
    const id = hex(this.random, 16);
    this.shown.set(id, visibility);
    return this.setJob({ id, kind: "add", label, state: "queued", stage: "", progress: 0, remaining: null, error: "", video: null });
  }

  swarm(id: string): Swarm {
    const video = this.videos.get(id)!;
    const swarm = this.swarms.get(id) ?? makeSwarm(this.random, video);
    if (video.state !== "remote") this.swarms.set(id, swarm);
    return swarm;
  }

  tick(): void {
    for (const job of this.jobs.values()) this.advanceJob(job);
    for (const swarm of this.swarms.values()) this.advanceSwarm(swarm);
  }

  private advanceJob(job: Job): void {
    const running = [...this.jobs.values()].filter((other) => other.state === "running").length;
    if (job.state === "queued" && running < 2) this.setJob({ ...job, state: "running", stage: "probe" });
    if (job.state !== "running") return;
    const progress = Math.min(1, job.progress + between(this.random, 0.005, 0.02));
    if (progress < 1) {
      const stage = STAGES.find(([end]) => progress <= end)![1];
      this.setJob({ ...job, progress, stage, remaining: ((1 - progress) / 0.0125) * SECONDS });
    } else if (/fail|notes/i.test(job.label)) {
      this.setJob({ ...job, state: "failed", error: "This is not a video: no picture was found in it." });
    } else {
      this.setJob({ ...job, state: "done", progress: 1, remaining: 0, video: this.born(job).id });
    }
  }

  private born({ id, label }: Job): Video {
    const visibility = this.shown.get(id) ?? "public";
    const title = label.replace(/^.*\//, "").replace(/\.\w{2,4}$/, "");
    const video = makeVideo(this.random, title, 8, this.peers);
    const now = NOW();
    return this.setVideo(video.id, { ...video, holders: [], published_at: now, added_at: now, in_place: false, visibility, widest: "public" });
  }

  private advanceSwarm(swarm: Swarm): void {
    const video = this.videos.get(swarm.id)!;
    const fetching = video.state === "fetching" && !video.detail && swarm.peers.length > 0;
    if (!fetching && this.random() < 0.5 && swarm.playheads.length === 0) return;
    const moved = { ...swarm, peers: swarm.peers.map((peer) => ({ ...peer, download_rate: 0, upload_rate: 0 })) };
    if (fetching) this.download(moved);
    for (const peer of moved.peers) {
      if (peer.progress < 1 && this.random() < 0.7) {
        peer.upload_rate = whole(this.random, 20_000, 600_000);
        peer.uploaded += peer.upload_rate * SECONDS;
        peer.progress = Math.min(1, peer.progress + 0.002);
      }
    }
    for (const [rate, total] of [["download_rate", "downloaded"], ["upload_rate", "uploaded"]] as const) {
      moved[rate] = moved.peers.reduce((sum, peer) => sum + peer[rate], 0);
      moved[total] = moved.peers.reduce((sum, peer) => sum + peer[total], 0);
    }
    const end = video.size - 1;
    moved.playheads = moved.playheads.map((at) => Math.min(end, Math.round(at + (video.bit_rate / 8) * SECONDS)));
    this.swarms.set(swarm.id, moved);
    this.send({ kind: "swarm", data: moved });
    if (fetching) this.progressed(video, moved);
  }

  /** Some pieces arrive, those behind a playhead first; then others are asked for. */
  private download(swarm: Swarm): void {
    const pieces = [...swarm.pieces];
    const sources = [...swarm.sources];
    const wanted = (state: string) => pieces.flatMap((piece, index) => (piece === state ? [index] : []));
    const arrivals = Math.max(1, Math.round((between(this.random, 2e6, 7e6) * SECONDS) / swarm.piece_length));
    for (const index of wanted("2").slice(0, arrivals)) {
      const source = Math.min(whole(this.random, 0, swarm.peers.length - 1), whole(this.random, 0, swarm.peers.length - 1));
      const peer = swarm.peers[source]!;
      pieces[index] = "1";
      sources[index] = source;
      peer.download_rate += swarm.piece_length / SECONDS;
      peer.downloaded += swarm.piece_length;
    }
    const start = Math.floor((swarm.playheads[0] ?? 0) / swarm.piece_length);
    const missing = wanted("0");
    const ahead = missing.filter((index) => index >= start);
    for (const index of (ahead.length ? ahead : missing).slice(0, arrivals)) pieces[index] = "2";
    if (missing.length) pieces[pick(this.random, missing)] = "2";
    swarm.pieces = pieces.join("");
    swarm.sources = sources;
  }

  private progressed(video: Video, swarm: Swarm): void {
    const have = [...swarm.pieces].filter((piece) => piece === "1").length;
    const complete = have === swarm.pieces.length;
    this.setVideo(video.id, { progress: have / swarm.pieces.length, state: complete ? "complete" : "fetching" });
  }
}
