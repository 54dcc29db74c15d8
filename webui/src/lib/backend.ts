import type { Job, NodeEvent, NodeInfo, Peer, PeerGraph, Settings, SettingsView, Swarm, TorrentFile, Tracker, Video, Visibility } from "./types";

/** A failure in words for the user (RFC 9457 `detail`); `status` 0 means the node is away. */
export class Failure extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

/** Ends what it was returned for. */
export type Stop = () => void;

export interface Upload {
  done: Promise<Job>;
  cancel: Stop;
}

/** Everything the pages ask of a node: over HTTP in earnest, from memory in `npm run dev`. */
export interface Backend {
  node(): Promise<NodeInfo>;
  videos(): Promise<Video[]>;
  video(id: string): Promise<Video>;
  updateVideo(id: string, changes: Partial<Pick<Video, "title" | "description" | "language" | "visibility">>): Promise<Video>;
  deleteVideo(id: string, deleteFile: boolean): Promise<void>;
  fetchVideo(id: string, keep: boolean): Promise<Video>;
  stopFetch(id: string): Promise<Video>;
  /** The files of a video's torrent; asked of its peers where nobody has told yet. */
  files(id: string): Promise<TorrentFile[]>;
  /** Fetches and plays this file of its torrent from now on. */
  chooseFile(id: string, file: number): Promise<Video>;
  /** Fetches the head of a video that is likely to be opened; false where there is nothing to do. For a minute. */
  prefetch(id: string): Promise<boolean>;
  cancelPrefetch(id: string): Promise<void>;
  swarm(id: string): Promise<Swarm>;
  openInPlayer(id: string, player: "vlc" | "mpv"): Promise<void>;
  streamUrl(video: Pick<Video, "id" | "file">): string;
  posterUrl(id: string): string;
  captionsUrl(video: Pick<Video, "id" | "file">, language: string): string;

  addPath(path: string, visibility: Visibility): Promise<Job>;
  addUrl(url: string, visibility: Visibility): Promise<Job>;
  upload(file: File, visibility: Visibility, progress: (fraction: number) => void): Upload;
  jobs(): Promise<Job[]>;
  cancelJob(id: string): Promise<Job>;

  /** Calls `result` for each video as it arrives (again when more is known), then `done` once. */
  search(text: string, seconds: number, result: (video: Video) => void, done: (problem?: string) => void): Stop;

  peers(): Promise<Peer[]>;
  peerGraph(): Promise<PeerGraph>;
  addPeer(address: string): Promise<Peer>;
  removePeer(id: string): Promise<void>;
  refreshPeers(): Promise<Peer[]>;
  rebuildPeers(address: string, hops: number): Promise<Peer[]>;

  trackers(): Promise<Tracker[]>;
  settings(): Promise<SettingsView>;
  changeSettings(changes: Partial<Settings>): Promise<SettingsView>;

  /** Calls `on` for every change, and `connection` when the node goes away or is back. */
  events(on: (event: NodeEvent) => void, connection: (up: boolean) => void): Stop;
}
