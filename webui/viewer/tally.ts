// Who sent how much: for the player's panel.

import type { Swarm } from "./swarm";
import { count } from "../src/lib/format";
import type { Origins, PeerLine, Sharing } from "./types";

export function tally(swarm: Swarm, from: Origins, downRate: number): Sharing {
  const { now, gone } = swarm.lines();
  const all = [...now, ...gone];
  const sum = (value: (line: PeerLine) => number, lines = all) => lines.reduce((total, line) => total + value(line), 0);
  const helped = (viewer: boolean) =>
    new Set(all.filter((line) => line.viewer === viewer && line.received > 0).map((line) => line.id)).size;
  return {
    from: { ...from },
    sent: sum((line) => line.sent),
    downRate,
    upRate: sum((line) => line.upRate, now),
    viewers: now.filter((line) => line.viewer).length,
    nodes: now.filter((line) => !line.viewer).length,
    helpers: helped(true),
    nodeHelpers: helped(false),
    peers: now,
  };
}

/** "92% from 5 viewers · 8% from the server" */
export function shares(sharing: Sharing): string {
  const { server, nodes, viewers } = sharing.from;
  const total = server + nodes + viewers;
  if (total === 0) return "Nothing came yet";
  const parts: [number, string][] = [
    [viewers, count(sharing.helpers, "viewer", "viewers")],
    [nodes, count(sharing.nodeHelpers, "node", "nodes")],
    [server, "the server"],
  ];
  const some = parts.filter(([bytes]) => bytes > 0);
  const whole = percents(some.map(([bytes]) => bytes / total));
  return some.map(([, who], i) => `${whole[i]}% from ${who}`).join(" · ");
}

/** Whole numbers that make 100, and nobody who sent something has none. */
export function percents(fractions: number[]): number[] {
  const rounded = fractions.map((fraction) => Math.max(1, Math.round(fraction * 100)));
  const largest = fractions.indexOf(Math.max(...fractions));
  const others = rounded.reduce((sum, value, i) => (i === largest ? sum : sum + value), 0);
  return rounded.map((value, i) => (i === largest ? 100 - others : value));
}
