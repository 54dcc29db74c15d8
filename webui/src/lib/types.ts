// What the node's HTTP API sends: the views of src/p2ptube/node/views.py, field by field.

export type VideoState = "remote" | "fetching" | "complete" | "error";

/** Who may find and get a video of this node. */
export type Visibility = "public" | "unlisted" | "private";

export interface Holder {
  peer: string;
  swarm: string[];
}

/** A file of a torrent. `chosen`: it is fetched and played, or goes with what is. `progress`: 0..1. */
export interface TorrentFile {
  index: number;
  path: string;
  size: number;
  kind: "video" | "audio" | "subtitles" | "other";
  language: string;
  chosen: boolean;
  title: string;
  progress: number;
}

/** Sizes in bytes, durations in seconds, progress 0..1, times in Unix seconds. */
export interface Video {
  id: string;
  title: string;
  description: string;
  language: string;
  file_name: string;
  duration: number;
  size: number;
  width: number;
  height: number;
  video_codec: string;
  audio_codec: string;
  bit_rate: number;
  sha256: string;
  state: VideoState;
  progress: number;
  detail: string;
  holders: Holder[];
  publisher: { key: string; name: string };
  published_at: number;
  added_at: number | null;
  magnet: string;
  mine: boolean;
  in_place: boolean;
  keep: boolean;
  /** Of what is not kept: so many bytes are on the disk at most; 0: all of it. */
  window: number;
  path: string | null;
  classic: boolean;
  /** Its index among the files of a stranger's torrent; null: not known, or its publisher described it. */
  file: number | null;
  /** The languages of which there are captions, as BCP 47 tags. */
  captions: string[];
  visibility: Visibility;
  /** The widest that its publisher leaves to choose. */
  widest: Visibility;
}

export interface Peer {
  id: string;
  host: string;
  port: number;
  kind: "p2ptube" | "classic" | "unknown";
  name: string;
  key: string;
  swarm_port: number | null;
  latency: number | null;
  last_seen: number | null;
  alive: boolean;
}

export interface Job {
  id: string;
  kind: string;
  label: string;
  state: "queued" | "running" | "done" | "failed" | "cancelled";
  stage: string;
  progress: number;
  remaining: number | null;
  error: string;
  video: string | null;
}

/** Rates in bytes per second; totals in bytes of this connection. */
export interface SwarmPeer {
  address: string;
  client: string;
  transport: "tcp" | "utp" | "webrtc" | "http";
  progress: number;
  download_rate: number;
  upload_rate: number;
  downloaded: number;
  uploaded: number;
  connected: boolean;
}

/**
 * `pieces` has a character per piece of the torrent: 1 have, 2 asked for, 0 not. The video begins in it
 * at the byte `offset`; playheads are byte offsets in the video.
 */
export interface Swarm {
  id: string;
  piece_length: number;
  offset: number;
  pieces: string;
  /** A character per piece while fetching: 1 a connected peer has it, 0 none. Empty when complete. */
  available: string;
  /** For each piece that came in this session, the index in `peers` of who sent it, else -1. */
  sources: number[];
  playheads: number[];
  download_rate: number;
  upload_rate: number;
  downloaded: number;
  uploaded: number;
  peers: SwarmPeer[];
}

export interface NodeInfo {
  peer_id: string;
  name: string;
  key: string;
  version: string;
  ports: { overlay: number; swarm: number; web: number | null; public: number | null };
  /** Where strangers find its public web, such as https://tube.example; "" where it has none. */
  public_url: string;
  data_dir: string;
  uptime: number;
  peers: number;
  videos: number;
  storage_used: number;
  storage_free: number;
  download_rate: number;
  upload_rate: number;
}

/** What the user can set. Limits in bytes per second, 0 = unlimited. */
export interface Settings {
  name: string;
  port: number;
  swarm_port: number;
  web_port: number;
  public_port: number | null;
  /** What strangers call the public web; "" where requests say it themselves. */
  public_url: string;
  max_peers: number;
  tracker: string[];
  dht: boolean;
  lan: boolean;
  upload_limit: number;
  download_limit: number;
  limit_lan: boolean;
  /** Whether uploads make way for what else the line carries. */
  yielding: boolean;
  /** Limits at some hours, a line each: "mon-fri 08:00-18:00 up=1MB/s". */
  schedule: string[];
  /** Whether what is played stays here, where nobody says it. */
  keep: boolean;
  /** How many bytes of what does not stay are on the disk at most. */
  play_window: number;
  /** Whether the heads of videos that are about to be opened are fetched ahead. */
  prefetch: boolean;
  /** Addresses and networks. */
  blocked: string[];
  connections_per_address: number;
  /** host:port, "" for none. */
  stun_server: string;
  /** A URL, "" for none. */
  proxy: string;
  anonymous: boolean;
}

/**
 * `restart`: the names of settings that differ from those the node runs with. `fixed`: those that a
 * flag or an environment variable of this run decides; the node refuses to change them.
 */
export interface SettingsView {
  settings: Settings;
  restart: string[];
  fixed: string[];
}

/**
 * A tracker as the node sees it. `own`: it is this node's. `index`: whether it lists videos, null
 * while that is not known; then `listed` of ours, and `refused` says why it does not list others.
 */
export interface Tracker {
  url: string;
  state: "working" | "failing" | "waiting";
  error: string;
  own: boolean;
  answered_at: number | null;
  peers: number;
  index: boolean | null;
  listed: number;
  refused: string;
}

/** Who knows whom: node ids, and pairs of them. `videos`: how many a peer was heard to hold. */
export interface PeerGraph {
  nodes: { id: string; name: string; kind: Peer["kind"] | "self"; videos: number }[];
  links: [string, string][];
}

export type NodeEvent =
  | { kind: "ready" }
  | { kind: "job"; data: Job }
  | { kind: "video"; data: Video }
  | { kind: "removed"; data: string }
  | { kind: "peers"; data: Peer[] }
  | { kind: "trackers"; data: Tracker[] }
  | { kind: "swarm"; data: Swarm };
