import { expect, it } from "vitest";
import type { Swarm, SwarmPeer, Video } from "../types";
import { whyWaiting } from "./waiting";

const VIDEO = { state: "fetching", size: 1_000_000, duration: 10, detail: "" } as Video; // 100 kB/s
const PEER = { connected: true } as SwarmPeer;
const swarmOf = (peers: SwarmPeer[], download_rate = 0): Swarm => ({ peers, download_rate }) as Swarm;

it("tells whether there is anybody", () => {
  expect(whyWaiting(VIDEO, undefined)).toBe("Asking for the video…");
  expect(whyWaiting(VIDEO, swarmOf([]))).toMatch(/^Looking for somebody/);
  const gone = { ...PEER, connected: false };
  expect(whyWaiting({ ...VIDEO, detail: "no holder reachable" }, swarmOf([gone]))).toMatch(/^Nobody/);
});
it("tells whether it comes fast enough", () => {
  expect(whyWaiting(VIDEO, swarmOf([PEER]))).toMatch(/first bytes/);
  expect(whyWaiting(VIDEO, swarmOf([PEER], 40_000))).toBe(
    "It comes slower than it plays: 40 kB/s of the 100 kB/s that are needed.",
  );
  expect(whyWaiting(VIDEO, swarmOf([PEER], 400_000))).toBe("The next part is on its way: 400 kB/s.");
});
it("does not speak of the network where all is here", () => {
  expect(whyWaiting({ ...VIDEO, state: "complete" }, undefined)).toBe("Reading the file…");
});
