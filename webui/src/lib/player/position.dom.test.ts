import { beforeEach, describe, expect, it } from "vitest";
import { recall, remember, worthResuming } from "./position";

beforeEach(() => localStorage.clear());

describe("worthResuming", () => {
  it.each([
    [3, 100, false],
    [5, 100, true],
    [89, 100, true],
    [91, 100, false],
    [3550, 3600, false],
    [8, 12, false],
    [50, NaN, false],
  ])("%s s of %s s: %s", (seconds, duration, worth) => expect(worthResuming(seconds, duration)).toBe(worth));
});

describe("positions", () => {
  it("goes on where it was left", () => {
    remember("a", 42.123, 100);
    expect(recall("a", 100)).toBe(42.1);
    expect(recall("b", 100)).toBe(0);
  });
  it("starts anew what was seen to its end", () => {
    remember("a", 42, 100);
    remember("a", 99, 100);
    expect(recall("a", 100)).toBe(0);
    expect(localStorage.getItem("positions")).toBe("[]");
  });
  it("keeps a bounded number, the latest", () => {
    for (let n = 0; n < 500; n++) remember(`v${n}`, 20, 100);
    expect(JSON.parse(localStorage.getItem("positions")!)).toHaveLength(200);
    expect(recall("v499", 100)).toBe(20);
    expect(recall("v0", 100)).toBe(0);
  });
  it.each(["{", "null", "7", '{"a":1}', '[1,["a"],["a","x"]]'])("survives a storage with %s", (text) => {
    localStorage.setItem("positions", text);
    expect(recall("a", 100)).toBe(0);
    remember("a", 30, 100);
    expect(recall("a", 100)).toBe(30);
  });
  it("survives a storage that refuses", () => {
    const refusing = { getItem: () => null, setItem: () => { throw new Error("full"); } } as unknown as Storage;
    expect(() => remember("a", 30, 100, refusing)).not.toThrow();
  });
});
