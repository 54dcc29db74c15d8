import { expect, test } from "vitest";
import type { PeerGraph, Video } from "../types";
import { fit, layoutKey, line, MOST_DOTS, neighbours, radius, shape, step, videosHeld, videosOf } from "./network";
import { aPeer } from "./testing";

const self = { id: "me:1", name: "Me" };
const none = new Map<string, number>();

const graph: PeerGraph = {
  nodes: [
    { id: "me:1", name: "Me", kind: "self", videos: 2 },
    { id: "a:1", name: "Ann", kind: "p2ptube", videos: 4 },
    { id: "b:1", name: "", kind: "classic", videos: 0 },
    { id: "far:1", name: "Far", kind: "unknown", videos: 0 },
  ],
  links: [
    ["me:1", "a:1"],
    ["a:1", "b:1"],
    ["b:1", "a:1"],
    ["a:1", "far:1"],
    ["a:1", "a:1"],
  ],
};

test("without a graph we are in the middle of a star", () => {
  const network = shape(undefined, [aPeer("a:1"), aPeer("b:1", { kind: "classic" })], self, none);
  expect(network.dots.map((dot) => [dot.id, dot.kind])).toEqual([
    ["me:1", "self"],
    ["a:1", "p2ptube"],
    ["b:1", "classic"],
  ]);
  expect(network.lines).toEqual([line("me:1", "a:1"), line("me:1", "b:1")]);
});

test("the graph adds whom the peers know, each link once and none to oneself", () => {
  const network = shape(graph, [aPeer("a:1"), aPeer("b:1")], self, none);
  expect(network.dots.map((dot) => dot.id)).toEqual(["me:1", "a:1", "b:1", "far:1"]);
  expect(network.lines).toHaveLength(4);
  expect(network.lines).toContainEqual(line("a:1", "far:1"));
});

test("a peer removed since the graph was made is gone", () => {
  const network = shape(graph, [aPeer("b:1")], self, none);
  const alone = shape({ nodes: graph.nodes, links: [["me:1", "a:1"]] }, [], self, none);
  expect(network.lines).not.toContainEqual(line("me:1", "a:1"));
  expect(alone.dots.map((dot) => dot.id)).toEqual(["me:1"]);
});

test("a large network is cut, and says by how much", () => {
  const peers = Array.from({ length: MOST_DOTS + 10 }, (_, i) => aPeer(`p${i}:1`));
  const network = shape(undefined, peers, self, none);
  expect([network.dots.length, network.left]).toEqual([MOST_DOTS, 11]);
  expect(network.lines).toHaveLength(MOST_DOTS - 1);
});

test("a name from the network is bounded", () => {
  expect(shape(undefined, [aPeer("a:1", { name: "x".repeat(9999) })], self, none).dots[1]!.name).toHaveLength(100);
});

test("videos are counted by holder, and the larger count holds", () => {
  const video = (peers: string[]) => ({ holders: peers.map((peer) => ({ peer, swarm: [] })) }) as unknown as Video;
  const held = videosHeld([video(["a:1", "b:1"]), video(["b:1"])]);
  expect(Object.fromEntries(held)).toEqual({ "a:1": 1, "b:1": 2 });
  expect(videosOf(graph, held).get("a:1")).toBe(4);
  expect(videosOf(graph, held).get("b:1")).toBe(2);
});

test("more videos make a larger dot, up to a bound", () => {
  expect(radius("p2ptube", 9)).toBeGreaterThan(radius("p2ptube", 1));
  expect(radius("p2ptube", 1e9)).toBe(20);
  expect(radius("self", 0)).toBeGreaterThan(radius("classic", 0));
});

test("neighbours are found both ways", () => {
  expect(neighbours([line("b", "a")]).get("a")).toEqual(new Set(["b"]));
});

test("names do not change the layout, links do", () => {
  const key = layoutKey(shape(graph, [aPeer("a:1")], self, none));
  expect(layoutKey(shape(graph, [aPeer("a:1", { name: "New" })], self, none))).toBe(key);
  expect(layoutKey(shape(graph, [aPeer("a:1"), aPeer("c:1")], self, none))).not.toBe(key);
});

test("arrow keys go round", () => {
  const ids = ["a", "b", "c"];
  expect(step(ids, undefined, "ArrowRight")).toBe("a");
  expect(step(ids, "c", "ArrowDown")).toBe("a");
  expect(step(ids, "a", "ArrowLeft")).toBe("c");
  expect([step(ids, "b", "Home"), step(ids, "b", "End"), step(ids, "b", "x")]).toEqual(["a", "c", undefined]);
});

test("the view holds all dots, and never looks closer than allowed", () => {
  const two = [
    { x: -100, y: 0, radius: 10 },
    { x: 300, y: 50, radius: 10 },
  ];
  const view = fit(two, 520, 400, 50, 2);
  expect([view.x, view.y, view.zoom]).toEqual([100, 25, 1]);
  expect(fit([{ x: 0, y: 0, radius: 5 }], 500, 500, 20, 2).zoom).toBe(2);
  expect(fit([{ radius: 5 }], 500, 500, 20, 2)).toEqual({ x: 0, y: 0, zoom: 1 });
});
