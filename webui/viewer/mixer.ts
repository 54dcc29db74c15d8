// Where the player's bytes come from: the node's web server for the first instant and for what is
// late, other viewers and nodes for all the rest. What came over HTTP is passed on only after its
// hash was checked, as what came from peers is.

import { Assembly, BLOCK, type Block } from "./assembly";
import { Bytes } from "./bytes";
import { isGenuine, pieceSpan, videoPieces, videoSpan, type Layout } from "./layout";
import type { Origin } from "./origin";
import type { Pieces } from "./pieces";
import type { Player } from "./player";
import { NO_TURN } from "./position";
import { Rate } from "./rate";
import { Reading } from "./reading";
import { ask, bring, due, type Situation } from "./schedule";
import type { Holder, Swarm } from "./swarm";
import { tally } from "./tally";
import { NOTHING, type Origins, type Sharing } from "./types";

const TICK_MS = 250;
const UNKNOWN_RATE = 250_000;
// Before play is pressed, the start is enough; with nobody to share with, a minute.
const BEFORE_SECONDS = 8;
const ALONE_SECONDS = 60;
// How late it may get before the server is asked: without peers, while they may still come, where
// none can send, where viewers can, and where a node does. That node is the server itself, mostly:
// its line would not get wider by being asked in two ways.
const SERVER_SECONDS = { alone: 30, expecting: 6, quiet: 12, viewers: 6, nodes: 0.6 };
const EXPECTING_SECONDS = 20;
// A piece that was asked of peers so long ago, and is needed so soon, is also asked of the server.
const LATE_SECONDS = 1.5;
const LATE_AFTER = { viewers: 0.8, nodes: 3.5 };
const PATIENT_SECONDS = { first: 3.5, least: 1.25 };
const SERVER_BATCH = 2 ** 20;
const KEPT_SECONDS = 30;
const MOST_FALSE = 3;
// Browsers give up on a worker that does not answer for minutes. A paused player that has enough in
// hand gets a piece now and then.
const OLD_READ_SECONDS = 100;

const now = (): number => performance.now() / 1000;

export class Mixer implements Holder {
  private readonly reading = new Reading();
  private readonly assemblies = new Map<number, Assembly>();
  private readonly checking = new Set<number>();
  private readonly rate = new Rate();
  private readonly from: Origins = { server: 0, nodes: 0, viewers: 0 };
  private readonly falseFrom = new Map<string, number>();
  private readonly timer = setInterval(() => this.tick(), TICK_MS);
  private readonly span: [first: number, end: number];
  private readonly bytes: Bytes;
  private fetching: [from: number, to: number] = [0, 0];
  private swarm: Swarm | undefined;
  /** What the player showed as buffered when that changed last, and what it had got by then. */
  private shown = { buffered: 0, given: 0 };
  private pending = false;
  private expectingUntil = 0;

  constructor(
    private readonly layout: Layout,
    private readonly pieces: Pieces,
    private readonly player: Player,
    private readonly origin: Origin | undefined,
  ) {
    this.span = videoPieces(layout);
    this.bytes = new Bytes(layout, pieces);
  }

  /** Bytes of the video from `start` on: some, as soon as there are any; none if they are not needed. */
  read(start: number, end: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return new Promise((answer) => {
      this.reading.add({ start, end: Math.min(end, this.layout.length), since: now(), answer });
      this.tick();
    });
  }

  /** The player ran dry. */
  stalled(): void {
    this.reading.stalled();
  }

  /** Peers are being looked for. */
  expect(): void {
    this.expectingUntil = now() + EXPECTING_SECONDS;
  }

  join(swarm: Swarm): void {
    this.swarm = swarm;
    swarm.serve(this);
  }

  leave(): void {
    this.swarm?.leave();
    this.swarm = undefined;
    this.expectingUntil = 0;
    this.changed();
  }

  stop(): void {
    clearInterval(this.timer);
    this.leave();
    this.origin?.stop();
    this.reading.end();
    this.pieces.clear();
  }

  sharing(): Sharing {
    return this.swarm ? tally(this.swarm, this.from, this.rate.perSecond(now())) : { ...NOTHING, from: { ...this.from }, downRate: this.rate.perSecond(now()) };
  }

  // --- what the swarm asks ---------------------------------------------------------------------

  piece(index: number): Uint8Array | undefined {
    return this.pieces.get(index);
  }

  *held(): Iterable<number> {
    for (let index = 0; index * 20 < this.layout.hashes.length; index += 1) if (this.pieces.has(index)) yield index;
  }

  wants(index: number): boolean {
    return index >= this.first && index < this.span[1] && !this.pieces.has(index);
  }

  given(index: number, data: Uint8Array): void {
    this.keep(index, data);
  }

  /** Looks again what is to be done, soon. */
  changed(): void {
    if (this.pending) return;
    this.pending = true;
    queueMicrotask(() => {
      this.pending = false;
      this.tick();
    });
  }

  // --- what is to be done ----------------------------------------------------------------------

  private get first(): number {
    return Math.floor((this.layout.offset + this.reading.at) / this.layout.pieceLength);
  }

  /** Bytes that are played in a second. */
  private get byteRate(): number {
    const duration = this.player.duration();
    return (duration > 0 ? this.layout.length / duration : UNKNOWN_RATE) * this.player.pace();
  }

  private tick(): void {
    this.serve();
    const situation = this.situation();
    if (this.swarm) {
      for (const { index, from, blocks } of ask(situation)) this.request(index, from, blocks);
    }
    this.askServer(situation);
    this.swarm?.tell(situation.brings ? situation.first : NO_TURN, this.claims());
    const near = Math.ceil((KEPT_SECONDS * this.byteRate) / this.layout.pieceLength);
    for (const index of this.pieces.shrink(situation.first, Math.min(near, this.most / 4))) this.swarm?.drop(index);
  }

  /** What this page is bringing from nodes, by either way. */
  private claims(): number[] {
    const [from, to] = this.fetching;
    const range = Array.from({ length: to - from }, (_, i) => from + i);
    return [...range, ...[...this.assemblies.values()].filter((each) => each.outside).map((each) => each.index)];
  }

  /** As many pieces as memory holds. */
  private get most(): number {
    return Math.max(4, Math.floor(this.pieces.most / this.layout.pieceLength));
  }

  private situation(): Situation {
    const pieceSeconds = this.layout.pieceLength / this.byteRate;
    const sources = this.swarm?.sources() ?? [];
    const [, end] = this.span;
    const pieces = (seconds: number) => Math.max(2, Math.ceil(seconds / pieceSeconds));
    const all = Math.ceil(this.most * 0.6);
    const before = !this.player.wanted();
    const nodes = sources.filter((source) => !source.viewer);
    const alone = nodes.length === sources.length;
    return {
      me: this.swarm?.me ?? "",
      brings: !nodes.length || nodes.some((node) => node.open),
      first: this.first,
      end,
      inHand: this.inHand,
      pieceSeconds,
      viewersAhead: before ? pieces(BEFORE_SECONDS) : all,
      nodesAhead: Math.min(all, before ? pieces(BEFORE_SECONDS) : alone ? pieces(ALONE_SECONDS) : all),
      sources,
      missing: (index) => this.missing(index),
    };
  }

  private get inHand(): number {
    if (this.waitsForLong) return 0;
    // While it is held back, no second is lost by leaving the others their turn; haste would only
    // have everybody bring the same.
    const patience = Math.max(PATIENT_SECONDS.least, PATIENT_SECONDS.first - this.reading.waited(now()));
    return Math.max(this.player.inHand() + this.unseen(), this.reading.holds ? patience : 0);
  }

  /** Seconds that the player got, but does not show as buffered yet: browsers look only now and then. */
  private unseen(): number {
    const { given } = this.reading;
    const buffered = this.player.bufferedTo();
    if (buffered !== this.shown.buffered || given < this.shown.given) this.shown = { buffered, given };
    return (given - this.shown.given) / this.byteRate;
  }

  private get waitsForLong(): boolean {
    return this.reading.waited(now()) > OLD_READ_SECONDS;
  }

  private missing(index: number): number {
    const [from, to] = this.fetching;
    if (this.pieces.has(index) || this.checking.has(index) || (index >= from && index < to)) return 0;
    const [start, end] = pieceSpan(this.layout, index);
    return this.assemblies.get(index)?.missing ?? Math.ceil((end - start) / BLOCK);
  }

  private request(index: number, from: string, blocks: number): void {
    const [start, end] = pieceSpan(this.layout, index);
    const assembly = this.assemblies.get(index) ?? new Assembly(index, end - start, now());
    this.assemblies.set(index, assembly);
    assembly.outside ||= !this.swarm?.isViewer(from);
    for (const block of assembly.take(blocks)) {
      this.swarm?.request(from, index, block, (data) => this.taken(assembly, from, block, data));
    }
  }

  private taken(assembly: Assembly, from: string, block: Block, data: Uint8Array | undefined): void {
    if (data) assembly.put(block, data, from);
    else assembly.free(block);
    if (this.assemblies.get(assembly.index) !== assembly) return;
    if (data) this.count(this.swarm?.isViewer(from) ? "viewers" : "nodes", data.length);
    if (assembly.complete) {
      this.assemblies.delete(assembly.index);
      void this.check(assembly.index, assembly.data, assembly.from);
    }
    this.changed();
  }

  private async check(index: number, data: Uint8Array<ArrayBuffer>, from: Set<string>): Promise<void> {
    this.checking.add(index);
    const genuine = await isGenuine(this.layout, index, data);
    this.checking.delete(index);
    if (genuine) this.keep(index, data);
    else {
      this.bytes.forget(index);
      this.blame(from);
    }
    this.changed();
  }

  /** One who alone sent a false piece is expelled at once; of several, who did it again and again. */
  private blame(from: Set<string>): void {
    if (from.size === 0) this.origin?.distrust();
    for (const id of from) {
      const times = (this.falseFrom.get(id) ?? 0) + 1;
      this.falseFrom.set(id, times);
      if (from.size === 1 || times >= MOST_FALSE) this.swarm?.expel(id);
    }
  }

  private keep(index: number, data: Uint8Array): void {
    this.bytes.forget(index);
    const assembly = this.assemblies.get(index);
    this.assemblies.delete(index);
    for (const block of assembly?.asked() ?? []) this.swarm?.cancel(index, block);
    this.pieces.add(index, data);
    this.swarm?.have(index);
  }

  private count(origin: keyof Origins, bytes: number): void {
    this.from[origin] += bytes;
    this.rate.add(bytes, now());
  }

  // --- the server ------------------------------------------------------------------------------

  private askServer(situation: Situation): void {
    if (!this.origin?.free) return;
    const quick = this.origin.speed > 2 * this.byteRate;
    const range = bring(situation, {
      seconds: this.serverSeconds(situation),
      pieces: quick ? Math.max(1, Math.floor(Math.min(SERVER_BATCH, 2 * this.byteRate) / this.layout.pieceLength)) : 1,
      late: (index) => this.late(situation, index),
    });
    if (range) void this.fetch(this.origin, range);
  }

  private serverSeconds(situation: Situation): number {
    if (this.waitsForLong) return Number.EPSILON;
    if (!this.player.wanted()) return BEFORE_SECONDS;
    const flowing = situation.sources.filter((source) => source.open);
    if (flowing.some((source) => !source.viewer)) return SERVER_SECONDS.nodes;
    // It is held back for a little less than that.
    if (this.reading.holds) return BEFORE_SECONDS;
    if (flowing.length > 0) return SERVER_SECONDS.viewers;
    if (now() < this.expectingUntil) return SERVER_SECONDS.expecting;
    return this.swarm ? SERVER_SECONDS.quiet : SERVER_SECONDS.alone;
  }

  private late(situation: Situation, index: number): boolean {
    const assembly = this.assemblies.get(index);
    const patience = assembly?.outside || this.reading.holds ? LATE_AFTER.nodes : LATE_AFTER.viewers;
    return !!assembly && due(situation, index) < LATE_SECONDS && now() - assembly.since > patience;
  }

  private async fetch(origin: Origin, [from, to]: [number, number]): Promise<void> {
    this.fetching = [from, to];
    const start = videoSpan(this.layout, from)[0] - this.layout.offset;
    const end = videoSpan(this.layout, to - 1)[1] - this.layout.offset;
    await origin.get(start, end, (offset, data) => this.arrived(this.layout.offset + offset, data));
    this.fetching = [0, 0];
    this.changed();
  }

  /** Bytes of the server at `offset` of the torrent. The player gets them at once. */
  private arrived(offset: number, data: Uint8Array): void {
    this.count("server", data.length);
    for (const partial of this.bytes.put(offset, data)) void this.check(partial.index, partial.data, new Set());
    this.serve();
  }

  // --- the player ------------------------------------------------------------------------------

  private serve(): void {
    const at = this.reading.at;
    if (this.reading.holds) {
      const contiguous = this.bytes.contiguous(this.layout.offset + at);
      // What comes from other viewers comes in bursts, which tell nothing of the next seconds.
      const inflow = this.swarm?.viewers ? 0 : Math.max(this.rate.perSecond(now(), 1), this.origin?.speed ?? 0);
      this.reading.consider(contiguous, this.byteRate, inflow, this.layout.length - at);
      if (this.reading.holds) return;
    }
    this.reading.serve((start, end) => this.bytes.collect(this.layout.offset + start, this.layout.offset + end));
  }
}
