// What this page uses of webtorrent 3: its own types do not exist.

declare module "webtorrent/dist/webtorrent.min.js" {
  type Answer = (error: Error | null, data?: Uint8Array) => void;

  interface Bits {
    get(index: number): boolean;
  }

  export interface Wire {
    peerId: string;
    type: string;
    destroyed: boolean;
    peerChoking: boolean;
    peerPieces: Bits;
    peerExtendedMapping: Record<string, number>;
    requests: { piece: number; offset: number }[];
    downloaded: number;
    uploaded: number;
    downloadSpeed(): number;
    uploadSpeed(): number;
    request(index: number, offset: number, length: number, answer: Answer): void;
    cancel(index: number, offset: number, length: number): void;
    have(index: number): void;
    interested(): void;
    uninterested(): void;
    extended(name: string, data: Uint8Array): void;
    use(extension: new (wire: Wire) => object): void;
    destroy(): void;
    on(event: "request", take: (index: number, offset: number, length: number, answer: Answer) => void): void;
    on(event: "have" | "bitfield" | "have-all" | "unchoke" | "choke" | "close" | "extended", take: () => void): void;
    lt_donthave: { donthave(index: number): void };
  }

  interface WebSocketTracker {
    reconnecting: boolean;
    reconnectTimer: number;
    _openSocket(): void;
  }

  export interface Torrent {
    ready: boolean;
    destroyed: boolean;
    wires: Wire[];
    bitfield: Bits;
    pieces: unknown[];
    torrentFile: Uint8Array;
    discovery: { tracker?: { _trackers: WebSocketTracker[] } } | null;
    on(event: "wire", take: (wire: Wire) => void): void;
    on(event: "metadata" | "ready" | "close", take: () => void): void;
    on(event: "warning" | "error", take: (error: Error) => void): void;
    _markVerified(index: number): void;
    _markUnverified(index: number): void;
    _checkDone(): boolean;
    _updateWireInterest(wire: Wire): void;
  }

  export default class WebTorrent {
    constructor(options: object);
    peerId: string;
    add(torrent: Uint8Array | string, options: object): Torrent;
    destroy(done?: () => void): void;
    on(event: "error", take: (error: Error) => void): void;
  }
}
