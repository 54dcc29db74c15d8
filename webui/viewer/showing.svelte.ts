// One showing of one video: which way its bytes come, and what the viewer decided.

import { observe, UNMEASURED, type Measured } from "../src/lib/player/measure";
import { keepPosition } from "../src/lib/player/session";
import { answer, possible, takeOver, throughPage } from "./bridge";
import { recall, remember, type Choice } from "./choice";
import { readTorrent, type Layout, type Torrent } from "./layout";
import { Mixer } from "./mixer";
import { Origin } from "./origin";
import { memoryFor, Pieces } from "./pieces";
import { playerOf } from "./player";
import type { Swarm } from "./swarm";
import { NOTHING, type PageVideo, type Sharing } from "./types";

const LOOK_MS = 1_000;
const MIME = /\.webm$/i;

/** Where the worker's script is, and what it may answer for. */
export interface Places {
  worker: URL;
  scope: URL;
}

export class Showing {
  choice = $state<Choice>(recall());
  /** Whether this browser, and this page, can share at all. */
  able = $state(possible() && "RTCPeerConnection" in globalThis);
  sharing = $state.raw<Sharing>(NOTHING);
  measured = $state.raw<Measured>(UNMEASURED);
  title = $state("");
  playing = $state(false);
  private media: HTMLVideoElement | undefined;
  private mixer: Mixer | undefined;
  private torrent: Torrent | undefined;
  private joined: Promise<Swarm | undefined> | undefined;
  private readonly stops: (() => void)[] = [];

  /** `server`: whether a node's web server is behind the page; without, peers are all there is. */
  constructor(
    readonly video: PageVideo,
    private readonly places: Places,
    readonly server: boolean,
  ) {
    this.title = video.title;
  }

  /** Begins to show the video in `media`. */
  async start(media: HTMLVideoElement): Promise<void> {
    this.media = media;
    this.stops.push(observe(media, (measured) => this.take(measured)), keepPosition(media, () => this.video.id));
    const timer = setInterval(() => this.look(), LOOK_MS);
    this.stops.push(() => clearInterval(timer));
    addEventListener("pagehide", this.stop);
    // A page that the browser had put aside comes back without its connections.
    addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
    if (this.server) await this.open(media);
    else if (this.choice === "yes") await this.openFromPeers(media);
  }

  /** The viewer's answer, now or later. */
  async choose(choice: "yes" | "no"): Promise<void> {
    this.choice = choice;
    remember(choice);
    if (choice === "no") await this.stopSharing();
    else if (this.mixer) await this.share();
    else if (this.media && this.server) await this.reopen(this.media);
    else if (this.media) await this.openFromPeers(this.media);
    this.look();
  }

  readonly stop = (): void => {
    for (const stop of this.stops.splice(0)) stop();
    void this.joined?.then((swarm) => swarm?.leave());
    this.mixer?.stop();
    removeEventListener("pagehide", this.stop);
  };

  // --- with a server ---------------------------------------------------------------------------

  private async open(media: HTMLVideoElement): Promise<void> {
    const mixed = this.able && this.choice !== "no" && (await this.mix(media));
    if (!mixed) media.src = new URL(this.video.stream, document.baseURI).href;
    else if (this.choice === "yes") void this.share();
  }

  /** The viewer agreed after a plain start: from here on the bytes come through the page. */
  private async reopen(media: HTMLVideoElement): Promise<void> {
    const { currentTime, paused } = media;
    if (!(await this.mix(media))) return;
    media.addEventListener("loadedmetadata", () => (media.currentTime = currentTime), { once: true });
    if (!paused) media.play().catch(() => undefined);
    await this.share();
  }

  private async mix(media: HTMLVideoElement): Promise<boolean> {
    const [taken, torrent] = await Promise.all([this.control(), this.fetchTorrent()]);
    if (!taken || !torrent || torrent.layout.infoHash !== this.video.id) return (this.able = false);
    const origin = new Origin(new URL(this.video.stream, document.baseURI).href, () => performance.now() / 1000);
    this.torrent = torrent;
    this.play(media, torrent.layout, origin);
    return true;
  }

  private async fetchTorrent(): Promise<Torrent | undefined> {
    try {
      const response = await fetch(new URL(this.video.torrent, document.baseURI));
      if (!response.ok) return undefined;
      return await readTorrent(new Uint8Array(await response.arrayBuffer()));
    } catch {
      return undefined;
    }
  }

  private async share(): Promise<void> {
    const { torrent, mixer } = this;
    if (!torrent || !mixer) return;
    mixer.expect();
    const swarm = await this.join(wrapped(torrent.info));
    if (swarm && this.choice === "yes") mixer.join(swarm);
    else swarm?.leave();
  }

  private async stopSharing(): Promise<void> {
    const joined = this.joined;
    this.joined = undefined;
    this.mixer?.leave();
    (await joined)?.leave();
  }

  // --- without ---------------------------------------------------------------------------------

  private async openFromPeers(media: HTMLVideoElement): Promise<void> {
    this.able = this.able && (await this.control());
    if (!this.able) return;
    const swarm = await this.join(this.video.magnet, (file) => {
      void readTorrent(file).then(({ layout }) => {
        this.title ||= layout.fileName;
        this.play(media, layout, undefined);
        if (swarm) this.mixer?.join(swarm);
      });
    });
    if (!swarm) this.able = false;
  }

  // --- both ------------------------------------------------------------------------------------

  private control(): Promise<boolean> {
    return takeOver(this.places.worker, this.places.scope);
  }

  private play(media: HTMLVideoElement, layout: Layout, origin: Origin | undefined): void {
    const memory = (navigator as { deviceMemory?: number }).deviceMemory;
    const pieces = new Pieces(memoryFor(memory));
    const mixer = new Mixer(layout, pieces, playerOf(media, this.video.duration), origin);
    const mime = this.video.mime || (MIME.test(layout.fileName) ? "video/webm" : "video/mp4");
    this.mixer = mixer;
    this.stops.push(
      answer(async (start, end) => {
        const data = start < layout.length ? await mixer.read(start, end) : undefined;
        return data && { start, total: layout.length, mime, data: data.buffer };
      }),
    );
    media.preload = "auto";
    media.src = throughPage(this.video.stream, document.baseURI);
  }

  private join(torrent: Uint8Array | string, metadata?: (file: Uint8Array) => void): Promise<Swarm | undefined> {
    const { trackers, ice } = this.video;
    this.joined = import("./swarm")
      .then(({ Swarm }) => new Swarm({ torrent, trackers, ice, metadata }))
      // Without peers there is still the server.
      .catch(() => undefined);
    return this.joined;
  }

  private take(measured: Measured): void {
    if (measured.stalling && !this.measured.stalling) this.mixer?.stalled();
    this.measured = measured;
  }

  private look(): void {
    if (this.mixer) this.sharing = this.mixer.sharing();
  }
}

/** A .torrent file of an info dictionary alone: its trackers are given apart. */
function wrapped(info: Uint8Array): Uint8Array {
  const head = new TextEncoder().encode("d4:info");
  const file = new Uint8Array(head.length + info.length + 1);
  file.set(head);
  file.set(info, head.length);
  file[file.length - 1] = "e".charCodeAt(0);
  return file;
}
