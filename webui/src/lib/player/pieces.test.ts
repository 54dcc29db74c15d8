import { describe, expect, it, vi } from "vitest";
import { drawMap } from "./draw";
import { cellsOf, countsOf, layoutOf, OTHERS, Palette, playheadCells, slotOf, summary } from "./pieces";

describe("layoutOf", () => {
  it.each([
    [10, 400],
    [900, 305],
    [20_000, 280],
    [1, 300],
  ])("%s pieces fit into %s pixels", (count, width) => {
    const { cell, columns, rows, per } = layoutOf(count, width, 160);
    expect(columns * cell).toBeLessThanOrEqual(width);
    expect(rows * cell).toBeLessThanOrEqual(160);
    expect(columns * rows * per).toBeGreaterThanOrEqual(count);
  });
  it("survives a width of nothing", () => expect(layoutOf(5, 0, 160).columns).toBe(1));
});

describe("cellsOf", () => {
  it("shows who sent a piece", () => {
    expect(cellsOf("120", [2, -1, -1], 1)).toEqual([
      { have: 1, asked: false, source: 2 },
      { have: 0, asked: true, source: -1 },
      { have: 0, asked: false, source: -1 },
    ]);
  });
  it("shows who sent most of several", () => {
    expect(cellsOf("11101", [0, 1, 1, -1, 3], 4)).toEqual([
      { have: 0.75, asked: false, source: 1 },
      { have: 1, asked: false, source: 3 },
    ]);
  });
  it("takes missing sources for pieces that were here before", () => {
    expect(cellsOf("1", [], 1)[0]?.source).toBe(-1);
  });
});

it("finds the cells of the playheads", () => {
  expect(playheadCells([0, 100, 350, 999], 100, 1, 4)).toEqual([0, 1, 3]);
  expect(playheadCells([350], 100, 2, 2)).toEqual([1]);
  expect(playheadCells([5], 0, 1, 4)).toEqual([]);
  expect(playheadCells([0, 60], 100, 1, 4, 50)).toEqual([0, 1]);
});

describe("summary", () => {
  it.each([
    ["", "The pieces of this video are not known yet."],
    ["11", "All 2 pieces are here."],
    ["1200", "1 of 4 pieces are here, 1 asked for, 2 missing."],
    ["1000", "1 of 4 pieces are here, 3 missing."],
  ])("%s", (pieces, text) => expect(summary(countsOf(pieces))).toBe(text));
});

describe("Palette", () => {
  const peer = (address: string, downloaded: number) => ({ address, downloaded });

  it("gives the colours to those who gave most, and lets them keep theirs", () => {
    const palette = new Palette();
    const first = palette.learn([peer("a", 1), peer("b", 9), peer("c", 0)]);
    expect([slotOf(first, "a"), slotOf(first, "b"), slotOf(first, "c")]).toEqual([1, 0, OTHERS]);
    const second = palette.learn([peer("a", 90), peer("c", 50)]);
    expect([slotOf(second, "a"), slotOf(second, "b"), slotOf(second, "c")]).toEqual([1, 0, 2]);
  });
  it("has one for all others", () => {
    const slots = new Palette().learn(Array.from({ length: 20 }, (_, n) => peer(`p${n}`, 20 - n)));
    expect(slots.size).toBe(OTHERS);
    expect(slotOf(slots, "p19")).toBe(OTHERS);
  });
});

it("draws a cell per piece, in the sender's colour", () => {
  const filled: string[] = [];
  const context = { fillStyle: "", strokeStyle: "", strokeRect: vi.fn(), fillRect: () => filled.push(context.fillStyle) };
  const colours = { missing: "m", asked: "a", before: "b", playhead: "p", ground: "g", sender: (n: number) => `s${n}` };
  drawMap(context as unknown as CanvasRenderingContext2D, cellsOf("1120", [-1, 4, -1, -1], 1), [1], layoutOf(4, 100, 100), colours);
  expect(filled).toEqual(["m", "b", "m", "s4", "m", "m"]);
  expect(context.strokeRect).toHaveBeenCalledTimes(3);
});
