import { describe, expect, it } from "vitest";
import type { SwarmPeer } from "../types";
import { Palette } from "./pieces";
import { roundTop } from "./plot";
import { History, ordered, ratioOf, sharesOf } from "./traffic";

const peer = (address: string, downloaded: number, more: Partial<SwarmPeer> = {}): SwarmPeer => ({
  ...{ address, client: "", transport: "tcp", progress: 1, download_rate: 0, upload_rate: 0, uploaded: 0, connected: true },
  downloaded,
  ...more,
});

describe("sharesOf", () => {
  const of = (peers: SwarmPeer[]) => sharesOf(peers, new Palette().learn(peers));

  it("says how much came from whom, most first", () => {
    expect(of([peer("a", 1), peer("b", 3), peer("c", 0)])).toEqual([
      { label: "b", slot: 0, bytes: 3, fraction: 0.75 },
      { label: "a", slot: 1, bytes: 1, fraction: 0.25 },
    ]);
  });
  it("puts the small ones together", () => {
    const shares = of(Array.from({ length: 10 }, (_, n) => peer(`p${n}`, 10)));
    expect(shares).toHaveLength(7);
    expect(shares.at(-1)).toMatchObject({ label: "Others", bytes: 40, fraction: 0.4 });
  });
  it("is empty where nothing came", () => expect(of([peer("a", 0)])).toEqual([]));
});

it("tells the ratio only where something came", () => {
  expect(ratioOf({ downloaded: 0, uploaded: 5 })).toBeUndefined();
  expect(ratioOf({ downloaded: 3, uploaded: 1 })).toBe("0.33");
  expect(ratioOf({ downloaded: 1, uploaded: 123.4 })).toBe("123");
});

it("orders the connected first, then by what moved", () => {
  const rows = ordered([peer("gone", 99, { connected: false }), peer("b", 0), peer("a", 0), peer("much", 5)]);
  expect(rows.map((row) => row.address)).toEqual(["much", "a", "b", "gone"]);
});

describe("History", () => {
  it("keeps two minutes, and a point before them", () => {
    const history = new History();
    for (let now = 0; now <= 300; now++) history.add(now, now, 1);
    expect(history.time[0]).toBe(179);
    expect(history.time).toHaveLength(122);
    expect(history.down).toHaveLength(122);
  });
  it("holds the rates over a silence", () => {
    const history = new History();
    history.add(10, 5, 2);
    history.add(20, 9, 0);
    expect(history).toMatchObject({ time: [10, 19, 20], down: [5, 5, 9], up: [2, 2, 0] });
  });
  it("drops what comes at the same time", () => {
    const history = new History();
    history.add(10, 5, 2);
    history.add(10, 6, 2);
    expect(history.time).toEqual([10]);
  });
});

it.each([
  [0, 10_000],
  [11_000, 20_000],
  [480_000, 1_000_000],
  [4_200_000, 5_000_000],
])("a rate of %s has an axis up to %s", (rate, top) => expect(roundTop(rate)).toBe(top));
