import type { Peer } from "../types";

/** A peer for tests and for trying out the picture. */
export function aPeer(id: string, changes: Partial<Peer> = {}): Peer {
  return {
    id,
    host: id.split(":")[0] ?? id,
    port: 5678,
    kind: "p2ptube",
    name: "",
    key: "",
    swarm_port: 5679,
    latency: 0.01,
    last_seen: 1000,
    alive: true,
    ...changes,
  };
}
