// What the page says of its video, and what the player shows of the sharing.

/** The JSON in the page; see docs/api.md. Paths are relative to the page. */
export interface PageVideo {
  id: string;
  title: string;
  description: string;
  /** Seconds; 0 if unknown. */
  duration: number;
  width: number;
  height: number;
  size: number;
  file_name: string;
  mime: string;
  publisher: string;
  published_at: number;
  magnet: string;
  trackers: string[];
  torrent: string;
  stream: string;
  poster: string;
  ice: string[];
  embed: boolean;
  page: string;
}

/** Where bytes came from. "server" is the node's web server, "nodes" are peers that are no browsers. */
export type Origins = Record<"server" | "nodes" | "viewers", number>;

export interface Sharing {
  /** Bytes that came and were used. */
  from: Origins;
  /** Bytes that were passed on. */
  sent: number;
  /** Bytes/s. */
  downRate: number;
  upRate: number;
  /** Peers that are connected now. */
  viewers: number;
  nodes: number;
  /** Viewers that ever sent something. */
  helpers: number;
  /** Nodes that ever sent something as peers. */
  nodeHelpers: number;
  peers: PeerLine[];
}

export interface PeerLine {
  id: string;
  viewer: boolean;
  received: number;
  sent: number;
  downRate: number;
  upRate: number;
}

export const NOTHING: Sharing = {
  from: { server: 0, nodes: 0, viewers: 0 },
  sent: 0,
  downRate: 0,
  upRate: 0,
  viewers: 0,
  nodes: 0,
  helpers: 0,
  nodeHelpers: 0,
  peers: [],
};
