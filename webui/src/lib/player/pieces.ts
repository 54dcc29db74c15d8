// The piece map: where its cells are, and what each shows.

import type { SwarmPeer } from "../types";

export const OTHERS = 6;

/** The number of the colour of each peer that has one of its own, by address. */
export type Slots = ReadonlyMap<string, number>;

export const slotOf = (slots: Slots, address: string): number => slots.get(address) ?? OTHERS;

/** Gives out colours: the first who gave us something get one of their own, and keep it. */
export class Palette {
  private readonly given = new Map<string, number>();

  learn(peers: readonly Pick<SwarmPeer, "address" | "downloaded">[]): Slots {
    const givers = peers.filter((peer) => peer.downloaded > 0).sort((a, b) => b.downloaded - a.downloaded);
    for (const { address } of givers) {
      if (this.given.size < OTHERS && !this.given.has(address)) this.given.set(address, this.given.size);
    }
    return new Map(this.given);
  }
}

export interface Layout {
  cell: number;
  columns: number;
  rows: number;
  /** How many pieces a cell stands for. */
  per: number;
}

const SMALLEST = 6;
const LARGEST = 22;

/** The largest cells with which `count` pieces fit; several pieces per cell where none do. */
export function layoutOf(count: number, width: number, height: number): Layout {
  for (let cell = LARGEST; cell >= SMALLEST; cell--) {
    const columns = Math.max(1, Math.floor(width / cell));
    const rows = Math.ceil(count / columns);
    if (rows * cell <= height) return { cell, columns, rows, per: 1 };
  }
  const columns = Math.max(1, Math.floor(width / SMALLEST));
  const capacity = columns * Math.max(1, Math.floor(height / SMALLEST));
  const per = Math.ceil(count / capacity);
  return { cell: SMALLEST, columns, rows: Math.ceil(Math.ceil(count / per) / columns), per };
}

export interface Cell {
  /** The share of its pieces that are here. */
  have: number;
  asked: boolean;
  /** The index of the peer who sent most of them; -1: they were here before. */
  source: number;
}

export function cellsOf(pieces: string, sources: readonly number[], per: number): Cell[] {
  const cells: Cell[] = [];
  for (let start = 0; start < pieces.length; start += per) {
    const end = Math.min(pieces.length, start + per);
    const senders = new Map<number, number>();
    let have = 0;
    let asked = false;
    for (let at = start; at < end; at++) {
      asked ||= pieces[at] === "2";
      if (pieces[at] !== "1") continue;
      have += 1;
      const source = sources[at] ?? -1;
      senders.set(source, (senders.get(source) ?? 0) + 1);
    }
    cells.push({ have: have / (end - start), asked, source: mostOften(senders) });
  }
  return cells;
}

function mostOften(senders: Map<number, number>): number {
  let best = -1;
  for (const [source, times] of senders) if (times > (senders.get(best) ?? 0)) best = source;
  return best;
}

/** The cells in which the playheads are, which are offsets in a video that begins at the byte `first`. */
export function playheadCells(playheads: readonly number[], pieceLength: number, per: number, cells: number, first = 0): number[] {
  if (pieceLength <= 0 || cells === 0) return [];
  const at = playheads.map((offset) => Math.min(cells - 1, Math.floor((first + offset) / pieceLength / per)));
  return [...new Set(at)];
}

export interface Counts {
  have: number;
  asked: number;
  missing: number;
  total: number;
}

export function countsOf(pieces: string): Counts {
  let have = 0;
  let asked = 0;
  for (const piece of pieces) {
    if (piece === "1") have += 1;
    else if (piece === "2") asked += 1;
  }
  return { have, asked, missing: pieces.length - have - asked, total: pieces.length };
}

export function summary(counts: Counts): string {
  if (counts.total === 0) return "The pieces of this video are not known yet.";
  if (counts.have === counts.total) return `All ${counts.total} pieces are here.`;
  const asked = counts.asked ? `, ${counts.asked} asked for` : "";
  return `${counts.have} of ${counts.total} pieces are here${asked}, ${counts.missing} missing.`;
}
