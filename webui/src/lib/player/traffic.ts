// Who gave us how much, and how fast it goes.

import type { Swarm, SwarmPeer } from "../types";
import { OTHERS, slotOf, type Slots } from "./pieces";

export interface Share {
  label: string;
  slot: number;
  bytes: number;
  fraction: number;
}

/** What came from whom, most first; those without a colour of their own are one share. */
export function sharesOf(peers: readonly SwarmPeer[], slots: Slots): Share[] {
  const givers = peers.filter((peer) => peer.downloaded > 0).sort((a, b) => b.downloaded - a.downloaded);
  const total = givers.reduce((sum, peer) => sum + peer.downloaded, 0);
  const shares = new Map<string, Share>();
  for (const peer of givers) {
    const slot = slotOf(slots, peer.address);
    const label = slot === OTHERS ? "Others" : peer.address;
    const share = shares.get(label) ?? { label, slot, bytes: 0, fraction: 0 };
    share.bytes += peer.downloaded;
    share.fraction = share.bytes / total;
    shares.set(label, share);
  }
  return [...shares.values()];
}

/** "0.34": what we gave per byte we got; undefined where we got nothing. */
export function ratioOf(swarm: Pick<Swarm, "downloaded" | "uploaded">): string | undefined {
  if (swarm.downloaded <= 0) return undefined;
  const ratio = swarm.uploaded / swarm.downloaded;
  return ratio >= 10 ? String(Math.round(ratio)) : ratio.toFixed(2);
}

/** Connected ones first, then by how much moves, so that rows do not jump about for trifles. */
export function ordered(peers: readonly SwarmPeer[]): SwarmPeer[] {
  const moved = (peer: SwarmPeer) => peer.downloaded + peer.uploaded;
  return [...peers].sort(
    (a, b) => Number(b.connected) - Number(a.connected) || moved(b) - moved(a) || (a.address < b.address ? -1 : 1),
  );
}

export const SPAN_SECONDS = 120;
const GAP_SECONDS = 2.5;

/** The rates of the last two minutes, as three columns: time, down, up. */
export class History {
  time: number[] = [];
  down: number[] = [];
  up: number[] = [];

  add(now: number, down: number, up: number): void {
    const last = this.time.at(-1);
    if (last !== undefined && now <= last) return;
    // Nothing is sent while nothing changes: the rates held until just now.
    if (last !== undefined && now - last > GAP_SECONDS) this.push(now - 1, this.down.at(-1) ?? 0, this.up.at(-1) ?? 0);
    this.push(now, down, up);
    const first = this.time.findIndex((time) => time >= now - SPAN_SECONDS);
    // One point before the window stays, so that the line reaches its edge.
    const drop = Math.max(0, first - 1);
    for (const column of [this.time, this.down, this.up]) column.splice(0, drop);
  }

  private push(time: number, down: number, up: number): void {
    this.time.push(time);
    this.down.push(down);
    this.up.push(up);
  }
}
