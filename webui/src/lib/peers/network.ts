// Shapes what the node tells of the network into what the picture draws. Pure.

import type { Peer, PeerGraph, Video } from "../types";

export type Kind = Peer["kind"] | "self";

export interface Dot {
  id: string;
  name: string;
  kind: Kind;
  videos: number;
  radius: number;
}

/** Who knows whom, in no direction: `source` sorts before `target`. */
export interface Line {
  source: string;
  target: string;
}

export interface Network {
  dots: Dot[];
  lines: Line[];
  /** How many more there are than the picture has room for. */
  left: number;
}

export const KIND_NAMES: Record<Kind, string> = {
  self: "You",
  p2ptube: "p2ptube",
  classic: "Classic",
  unknown: "Not known yet",
};

// Beyond this a picture tells nothing any more, and is not smooth either.
export const MOST_DOTS = 400;
const LONGEST_NAME = 100;

/** How many of the videos we heard of each peer holds. */
export function videosHeld(videos: Iterable<Video>): Map<string, number> {
  const held = new Map<string, number>();
  for (const video of videos) {
    for (const { peer } of video.holders) held.set(peer, (held.get(peer) ?? 0) + 1);
  }
  return held;
}

/** The more of both counts: the node's count is as old as the graph, ours misses what was never shown. */
export function videosOf(graph: PeerGraph | undefined, held: Map<string, number>): Map<string, number> {
  const most = new Map(held);
  for (const node of graph?.nodes ?? []) most.set(node.id, Math.max(node.videos, held.get(node.id) ?? 0));
  return most;
}

/** The area grows with the videos, up to a bound: who claims a million must not cover the others. */
export function radius(kind: Kind, videos: number): number {
  return Math.min(20, (kind === "self" ? 10 : 6) + 1.8 * Math.sqrt(Math.max(0, videos)));
}

export function line(a: string, b: string): Line {
  return a < b ? { source: a, target: b } : { source: b, target: a };
}

function linesOf(graph: PeerGraph | undefined, peers: Peer[], self: string): Line[] {
  const direct = new Set(peers.map((peer) => peer.id));
  const lines = new Map<string, Line>();
  const put = (a: string, b: string) => {
    const found = line(a, b);
    lines.set(JSON.stringify([found.source, found.target]), found);
  };
  for (const id of direct) put(self, id);
  for (const [a, b] of graph?.links ?? []) {
    // Our own links come from the list of peers, which is newer than the graph.
    if (a !== b && a !== self && b !== self) put(a, b);
  }
  return [...lines.values()];
}

/** `self` is us; `peers` are those we know; the graph adds whom they know. */
export function shape(
  graph: PeerGraph | undefined,
  peers: Peer[],
  self: { id: string; name: string },
  videos: Map<string, number>,
): Network {
  const dots = new Map<string, Dot>();
  const put = (id: string, name: string, kind: Kind) => {
    const shared = videos.get(id) ?? 0;
    dots.set(id, { id, name: name.slice(0, LONGEST_NAME), kind, videos: shared, radius: radius(kind, shared) });
  };
  put(self.id, self.name, "self");
  for (const peer of peers) if (peer.id !== self.id) put(peer.id, peer.name, peer.kind);
  const lines = linesOf(graph, peers, self.id);
  const linked = new Set(lines.flatMap(({ source, target }) => [source, target]));
  for (const node of graph?.nodes ?? []) {
    // Whom nobody knows any more was removed after the graph was made.
    if (!dots.has(node.id) && linked.has(node.id)) put(node.id, node.name, node.kind === "self" ? "unknown" : node.kind);
  }
  const shown = [...dots.values()].slice(0, MOST_DOTS);
  const ids = new Set(shown.map((dot) => dot.id));
  return {
    dots: shown,
    lines: lines.filter(({ source, target }) => ids.has(source) && ids.has(target)),
    left: dots.size - shown.length,
  };
}

/** Whom each one knows, both ways. */
export function neighbours(lines: Line[]): Map<string, Set<string>> {
  const known = new Map<string, Set<string>>();
  const put = (a: string, b: string) => known.set(a, (known.get(a) ?? new Set()).add(b));
  for (const { source, target } of lines) {
    put(source, target);
    put(target, source);
  }
  return known;
}

/** Equal for two networks whose layout is the same: the same dots and lines, whatever they are called. */
export function layoutKey(network: Network): string {
  const dots = network.dots.map((dot) => dot.id).sort();
  const lines = network.lines.map(({ source, target }) => JSON.stringify([source, target])).sort();
  return `${dots.join(" ")}|${lines.join(" ")}`;
}

/** Which dot the arrow keys lead to; undefined for other keys. */
export function step(ids: string[], current: string | undefined, key: string): string | undefined {
  const at = current === undefined ? -1 : ids.indexOf(current);
  const last = ids.length - 1;
  switch (key) {
    case "ArrowRight":
    case "ArrowDown":
      return ids[at >= last ? 0 : at + 1];
    case "ArrowLeft":
    case "ArrowUp":
      return ids[at <= 0 ? last : at - 1];
    case "Home":
      return ids[0];
    case "End":
      return ids[last];
    default:
      return undefined;
  }
}

export interface View {
  x: number;
  y: number;
  zoom: number;
}

/** Where to look so that all dots and the room for their labels are seen. */
export function fit(
  dots: { x?: number; y?: number; radius: number }[],
  width: number,
  height: number,
  margin: number,
  closest: number,
): View {
  const placed = dots.filter((dot) => dot.x !== undefined && dot.y !== undefined);
  if (placed.length === 0) return { x: 0, y: 0, zoom: 1 };
  const left = Math.min(...placed.map((dot) => dot.x! - dot.radius));
  const right = Math.max(...placed.map((dot) => dot.x! + dot.radius));
  const top = Math.min(...placed.map((dot) => dot.y! - dot.radius));
  const bottom = Math.max(...placed.map((dot) => dot.y! + dot.radius));
  const room = (size: number) => Math.max(1, size - 2 * margin);
  const zoom = Math.min(closest, room(width) / (right - left), room(height) / (bottom - top));
  return { x: (left + right) / 2, y: (top + bottom) / 2, zoom };
}
