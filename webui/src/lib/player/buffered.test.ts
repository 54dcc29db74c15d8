import { describe, expect, it, vi } from "vitest";
import { drawRuns, runs } from "./buffered";

describe("runs", () => {
  it("joins neighbours and leaves out what is missing", () => {
    expect(runs("1100221")).toEqual([
      { from: 0, to: 2 / 7, state: "have" },
      { from: 4 / 7, to: 6 / 7, state: "asked" },
      { from: 6 / 7, to: 1, state: "have" },
    ]);
  });
  it("goes by where the video begins and ends in its pieces", () => {
    const span = { from: 0.5, length: 2 };
    expect(runs("110", "", span)).toEqual([{ from: 0, to: 0.75, state: "have" }]);
    expect(runs("011", "", span)).toEqual([{ from: 0.25, to: 1, state: "have" }]);
  });
  it("knows the whole and the nothing", () => {
    expect(runs("1020", "1110")).toEqual([
      { from: 0, to: 0.25, state: "have" },
      { from: 0.25, to: 0.5, state: "swarm" },
      { from: 0.5, to: 0.75, state: "asked" },
    ]);
    expect(runs("1")).toEqual([{ from: 0, to: 1, state: "have" }]);
    expect(runs("000")).toEqual([]);
    expect(runs("")).toEqual([]);
  });
});

it("draws a single piece of a long video at least a pixel wide, in the screen's pixels", () => {
  const context = { clearRect: vi.fn(), fillRect: vi.fn(), fillStyle: "" };
  const canvas = { width: 0, height: 0, getContext: () => context } as unknown as HTMLCanvasElement;
  drawRuns(canvas, [{ from: 0.5, to: 0.50001, state: "have" }], { have: "green", asked: "gold", swarm: "grey" }, { width: 100, height: 3, ratio: 2 });
  expect([canvas.width, canvas.height]).toEqual([200, 6]);
  expect(context.fillRect).toHaveBeenCalledWith(100, 0, 1, 6);
  expect(context.fillStyle).toBe("green");
});
