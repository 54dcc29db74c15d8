// The table of peers: its rows, their order, and what a refresh has found out so far. Pure.

import type { Peer } from "../types";

export interface Row extends Peer {
  /** How many videos it was heard to hold. */
  videos: number;
}

export type Column = "name" | "id" | "latency" | "last_seen" | "kind" | "videos";
export interface Order {
  column: Column;
  descending: boolean;
}

export const COLUMNS: { column: Column; label: string; numeric: boolean }[] = [
  { column: "name", label: "Name", numeric: false },
  { column: "id", label: "Address", numeric: false },
  { column: "kind", label: "Kind", numeric: false },
  { column: "latency", label: "Latency", numeric: true },
  { column: "last_seen", label: "Last seen", numeric: true },
  { column: "videos", label: "Videos", numeric: true },
];

export function rowsOf(peers: Peer[], videos: Map<string, number>): Row[] {
  return peers.map((peer) => ({ ...peer, videos: videos.get(peer.id) ?? 0 }));
}

/** What the user calls a peer: its name, else its address. */
export const called = (peer: { id: string; name: string }): string => peer.name.trim() || peer.id;

const words = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

function compare(a: Row, b: Row, column: Column): number {
  switch (column) {
    case "name":
      return words.compare(called(a), called(b));
    case "id":
    case "kind":
      return words.compare(a[column], b[column]);
    default:
      return (a[column] ?? 0) - (b[column] ?? 0);
  }
}

/** What is not known comes last, in either direction; equals are ordered by address. */
export function sorted(rows: Row[], { column, descending }: Order): Row[] {
  return [...rows].sort((a, b) => {
    const [noA, noB] = [a[column] === null, b[column] === null];
    if (noA !== noB) return noA ? 1 : -1;
    return (descending ? -1 : 1) * compare(a, b, column) || words.compare(a.id, b.id);
  });
}

/** Another click on the same column turns it round; numbers begin with the most, but the least latency. */
export function clicked(order: Order, column: Column): Order {
  if (order.column === column) return { column, descending: !order.descending };
  return { column, descending: column === "videos" || column === "last_seen" };
}

/** 0.0034 -> "3 ms" */
export function latency(seconds: number | null): string {
  if (seconds === null) return "–";
  const ms = seconds * 1000;
  if (ms < 1) return "< 1 ms";
  return ms < 1000 ? `${Math.round(ms)} ms` : `${seconds.toFixed(1)} s`;
}

/** `silent`: it did not answer and is still in the list; `gone`: it was removed from it. */
export type Answer = "asking" | "alive" | "silent" | "gone";

/**
 * What became of each peer asked by a refresh: `before` is the list as it was then, `now` as it is.
 * A peer has answered when it was seen since; the node drops those that do not.
 */
export function answers(before: Peer[], now: Peer[], since: number, finished: boolean): Map<string, Answer> {
  const current = new Map(now.map((peer) => [peer.id, peer]));
  return new Map(
    before.map(({ id }) => {
      const peer = current.get(id);
      if (peer === undefined) return [id, "gone"];
      if ((peer.last_seen ?? 0) >= since) return [id, "alive"];
      if (!finished) return [id, "asking"];
      return [id, peer.alive ? "alive" : "silent"];
    }),
  );
}

/** The rows to show during a refresh: who did not answer stays until it is over, to be seen. */
export function withGone(now: Peer[], before: Peer[], found: Map<string, Answer>): Peer[] {
  return [...now, ...before.filter((peer) => found.get(peer.id) === "gone")];
}

export function summary(found: Map<string, Answer>, finished: boolean): string {
  const of = (answer: Answer) => [...found.values()].filter((each) => each === answer).length;
  const [all, alive, gone] = [found.size, of("alive"), of("gone")];
  if (!finished) return `Asking ${all} ${all === 1 ? "peer" : "peers"}… ${alive} answered`;
  if (alive === all) return all === 1 ? "The peer is alive." : `All ${all} peers are alive.`;
  const removed = gone === 0 ? "" : gone === 1 ? " and was removed" : " and were removed";
  const silent = gone > 0 && gone < all - alive ? `, ${gone} of them${removed.replace(" and", "")}` : removed;
  return `${alive} of ${all} ${all === 1 ? "peer" : "peers"} answered. ${all - alive} did not${silent}.`;
}
