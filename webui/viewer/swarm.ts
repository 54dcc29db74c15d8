// This page as a peer: webtorrent makes the connections and speaks the protocol; what is asked of
// whom, and what is kept, the mixer decides. Loaded only by viewers who share.

import WebTorrent, { type Torrent, type Wire } from "webtorrent/dist/webtorrent.min.js";
import { BLOCK, type Block } from "./assembly";
import { NAME, Position } from "./position";
import type { Source } from "./schedule";
import type { PeerLine } from "./types";

/** What the swarm asks of the page. */
export interface Holder {
  piece(index: number): Uint8Array | undefined;
  held(): Iterable<number>;
  /** Whether a piece is of use to this page. */
  wants(index: number): boolean;
  /** A genuine piece that webtorrent brought by itself (BEP 6, allowed fast). */
  given(index: number, data: Uint8Array): void;
  /** Something changed that may let more be asked for. */
  changed(): void;
}

export interface Joining {
  /** A .torrent file, or a magnet link, whose metadata then comes from peers. */
  torrent: Uint8Array | string;
  trackers: string[];
  ice: string[];
  /** The .torrent file, as soon as it is known. */
  metadata?: (file: Uint8Array) => void;
}

// Browsers slow down with more; few of them suffice to have every piece nearby.
const MOST_PEERS = 24;
const OFFERS = 5;
const MOST_GONE = 500;
const UPLOAD_SLOTS = 8;
// Asked of a peer at once, in blocks: what it sends in a second, and enough to find out what that
// is. What is asked in advance stands in the way of what turns out to be needed at once.
const LEAST_ASKED = 3;
const MOST_ASKED = 64;
// A peer that was asked and has sent nothing for so long does not count.
const SILENT_SECONDS = 5;
const RETRY_TRACKERS_MS = 10_000;
// The peer ids of webtorrent, in hex.
const BROWSER = "2d5757";

interface Peer {
  wire: Wire;
  asked: number;
  /** When it last sent what it was asked for, or was first asked again; seconds. */
  heard: number;
  position: Position;
}

export class Swarm {
  private readonly client: WebTorrent;
  private readonly torrent: Torrent;
  private readonly peers = new Map<string, Peer>();
  private readonly gone: PeerLine[] = [];
  private readonly retry: ReturnType<typeof setInterval>;
  private holder: Holder | undefined;

  constructor(joining: Joining) {
    this.client = new WebTorrent({
      dht: false,
      lsd: false,
      utPex: false,
      natUpnp: false,
      natPmp: false,
      webSeeds: false,
      // An empty list, not none: else webtorrent asks STUN servers of its own choice.
      tracker: { rtcConfig: { iceServers: joining.ice.map((urls) => ({ urls })) } },
    });
    this.client.on("error", () => this.leave());
    this.torrent = this.client.add(joining.torrent, {
      announce: joining.trackers,
      deselect: true,
      uploads: UPLOAD_SLOTS,
      storeCacheSlots: 0,
      preloadedStore: this.store(),
      getAnnounceOpts: () => ({ numwant: this.peers.size < MOST_PEERS ? OFFERS : 0 }),
    });
    this.torrent._updateWireInterest = (wire) => this.interest(wire);
    this.torrent.on("warning", () => undefined);
    this.torrent.on("error", () => this.leave());
    this.torrent.on("metadata", () => joining.metadata?.(this.torrent.torrentFile));
    this.torrent.on("ready", () => this.tellAll());
    this.torrent.on("wire", (wire) => this.connected(wire));
    this.retry = setInterval(() => this.findTrackers(), RETRY_TRACKERS_MS);
  }

  get me(): string {
    return this.client.peerId;
  }

  get left(): boolean {
    return this.torrent.destroyed;
  }

  /** From now on the swarm serves this holder's pieces. */
  serve(holder: Holder): void {
    this.holder = holder;
    if (this.torrent.ready) this.tellAll();
  }

  sources(): Source[] {
    const now = performance.now() / 1000;
    return [...this.peers.values()].map(({ wire, asked, heard, position }) => ({
      id: wire.peerId,
      viewer: isViewer(wire),
      at: position.at,
      claims: (index) => position.brings(index),
      open: !wire.peerChoking && (asked === 0 || now - heard < SILENT_SECONDS),
      room: wire.peerChoking ? 0 : Math.max(0, pipeline(wire) - asked),
      has: (index) => wire.peerPieces.get(index),
    }));
  }

  /** Asks a peer for a block; `taken` gets it, or nothing if it does not come. */
  request(from: string, index: number, block: Block, taken: (data: Uint8Array | undefined) => void): void {
    const peer = this.peers.get(from);
    if (!peer) return taken(undefined);
    if (peer.asked === 0) peer.heard = performance.now() / 1000;
    peer.asked += 1;
    peer.wire.request(index, block.offset, block.length, (error, data) => {
      peer.asked -= 1;
      if (!error) peer.heard = performance.now() / 1000;
      taken(error ? undefined : data);
    });
  }

  /** Takes back what was asked of a piece: it came from elsewhere. */
  cancel(index: number, block: Block): void {
    for (const { wire } of this.peers.values()) {
      const asked = wire.requests.some((request) => request.piece === index && request.offset === block.offset);
      if (asked) wire.cancel(index, block.offset, block.length);
    }
  }

  /** How many viewers are connected. */
  get viewers(): number {
    return [...this.peers.values()].filter(({ wire }) => isViewer(wire)).length;
  }

  isViewer(id: string): boolean {
    const peer = this.peers.get(id);
    return !!peer && isViewer(peer.wire);
  }

  /** Tells the peers of a piece that is here now. */
  have(index: number): void {
    if (!this.torrent.ready || this.torrent.bitfield.get(index)) return;
    this.torrent._markVerified(index);
    for (const wire of this.torrent.wires) wire.have(index);
    this.torrent._checkDone();
  }

  /** Tells them of one that is here no more. */
  drop(index: number): void {
    if (!this.torrent.ready || !this.torrent.bitfield.get(index)) return;
    this.torrent._markUnverified(index);
    for (const wire of this.torrent.wires) wire.lt_donthave.donthave(index);
    this.torrent._checkDone();
  }

  /** Tells the viewers which piece is played next, and which are being brought from nodes. */
  tell(at: number, claims: number[]): void {
    for (const { wire, position } of this.peers.values()) {
      position.say(at, claims);
      this.interest(wire);
    }
  }

  /** Ends a connection that gave false bytes. */
  expel(id: string): void {
    this.peers.get(id)?.wire.destroy();
  }

  /** The connected peers, then those that left. */
  lines(): { now: PeerLine[]; gone: PeerLine[] } {
    return { now: [...this.peers.values()].map(({ wire }) => line(wire)), gone: this.gone };
  }

  leave(): void {
    clearInterval(this.retry);
    if (!this.torrent.destroyed) this.client.destroy();
    this.peers.clear();
  }

  private connected(wire: Wire): void {
    if (this.peers.has(wire.peerId) || this.peers.size >= MOST_PEERS) return wire.destroy();
    wire.use(Position as never);
    const position = (wire as unknown as Record<string, Position>)[NAME] as Position;
    this.peers.set(wire.peerId, { wire, asked: 0, heard: 0, position });
    const changed = () => this.holder?.changed();
    for (const event of ["have", "bitfield", "have-all", "unchoke", "choke", "extended"] as const) wire.on(event, changed);
    // A piece that was dropped: say so at once, instead of leaving the peer to wait.
    wire.on("request", (index, _offset, _length, answer) => {
      if (!this.holder?.piece(index)) answer(new Error("not here"));
    });
    wire.on("close", () => {
      this.peers.delete(wire.peerId);
      this.remember(line(wire));
      changed();
    });
    changed();
  }

  /** Of those that left, the first become one line: visits are many in a long evening. */
  private remember(left: PeerLine): void {
    this.gone.push(left);
    const [first, second] = this.gone;
    if (this.gone.length <= MOST_GONE || !first || !second) return;
    this.gone.splice(0, 2, { ...first, received: first.received + second.received, sent: first.sent + second.sent });
  }

  private interest(wire: Wire): void {
    const holder = this.holder;
    let wanted = false;
    // Without the metadata, nobody knows how many pieces there are: everybody is of interest.
    const pieces = this.torrent.ready ? this.torrent.pieces.length : 0;
    for (let index = 0; holder && index < pieces && !wanted; index += 1) {
      wanted = wire.peerPieces.get(index) && holder.wants(index);
    }
    if (wanted) wire.interested();
    else wire.uninterested();
  }

  private tellAll(): void {
    for (const index of this.holder?.held() ?? []) this.have(index);
    this.holder?.changed();
  }

  /** Webtorrent itself would wait for minutes; a node that was restarted is back sooner. */
  private findTrackers(): void {
    for (const tracker of this.torrent.discovery?.tracker?._trackers ?? []) {
      if (!tracker.reconnecting) continue;
      clearTimeout(tracker.reconnectTimer);
      tracker._openSocket();
    }
  }

  private store(): object {
    type Got = (error: Error | null, data?: Uint8Array) => void;
    const done = (after?: Got) => after && queueMicrotask(() => after(null));
    return {
      chunkLength: BLOCK,
      get: (index: number, options: { offset?: number; length?: number } | null, got: Got) => {
        const data = this.holder?.piece(index);
        if (!data) return queueMicrotask(() => got(new Error("not here")));
        const offset = options?.offset ?? 0;
        const part = data.subarray(offset, offset + (options?.length ?? data.length));
        queueMicrotask(() => got(null, part));
      },
      put: (index: number, data: Uint8Array, after?: Got) => {
        this.holder?.given(index, data);
        done(after);
      },
      close: done,
      destroy: done,
    };
  }
}

const isViewer = (wire: Wire): boolean => wire.peerId.startsWith(BROWSER);

function pipeline(wire: Wire): number {
  return Math.min(MOST_ASKED, Math.max(LEAST_ASKED, Math.ceil(wire.downloadSpeed() / BLOCK) + 1));
}

function line(wire: Wire): PeerLine {
  return {
    id: wire.peerId,
    viewer: isViewer(wire),
    received: wire.downloaded,
    sent: wire.uploaded,
    downRate: wire.destroyed ? 0 : wire.downloadSpeed(),
    upRate: wire.destroyed ? 0 : wire.uploadSpeed(),
  };
}
