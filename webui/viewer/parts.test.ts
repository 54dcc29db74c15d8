import { describe, expect, it } from "vitest";
import { Assembly, BLOCK } from "./assembly";
import { Bytes } from "./bytes";
import { Partial } from "./partial";
import { memoryFor, Pieces } from "./pieces";
import { decode, encode } from "./position";
import { Rate } from "./rate";
import { Reading } from "./reading";
import { percents, shares } from "./tally";
import { NOTHING } from "./types";

describe("an assembly", () => {
  it("gives each block once, takes it back, and is complete at the end", () => {
    const assembly = new Assembly(7, 2 * BLOCK + 5, 0);
    expect(assembly.take(2)).toEqual([{ offset: 0, length: BLOCK }, { offset: BLOCK, length: BLOCK }]);
    expect(assembly.missing).toBe(1);
    assembly.free({ offset: 0, length: BLOCK });
    expect(assembly.take(9)).toEqual([{ offset: 0, length: BLOCK }, { offset: 2 * BLOCK, length: 5 }]);
    for (const block of assembly.asked()) assembly.put(block, new Uint8Array(block.length).fill(1), "a");
    expect(assembly.complete).toBe(true);
    expect([...assembly.from]).toEqual(["a"]);
    expect(assembly.data.every((byte) => byte === 1)).toBe(true);
  });

  it("does not take a block of another length", () => {
    const assembly = new Assembly(0, BLOCK, 0);
    const [block] = assembly.take(1);
    assembly.put(block!, new Uint8Array(3), "a");
    expect(assembly.complete).toBe(false);
    expect(assembly.missing).toBe(1);
  });
});

describe("the pieces in memory", () => {
  it("make room: first what is far behind, then what is far ahead, never what is near", () => {
    const pieces = new Pieces(40);
    for (let index = 0; index < 10; index += 1) pieces.add(index, new Uint8Array(10));
    expect(pieces.shrink(5, 1)).toEqual([0, 1, 2, 3, 9, 8]);
    expect(pieces.bytes).toBe(40);
    expect(pieces.has(4) && pieces.has(6) && !pieces.has(3)).toBe(true);
    expect(pieces.shrink(5, 1)).toEqual([]);
    expect(new Pieces(0).shrink(0, 1)).toEqual([]);
  });

  it("have as much as the machine can spare", () => {
    expect([undefined, 8, 4, 2, 0.5].map((gigabytes) => memoryFor(gigabytes) / 2 ** 20)).toEqual([256, 256, 256, 128, 64]);
  });
});

describe("the start of a piece that the server sends", () => {
  it("can be read before it is whole", () => {
    const partial = new Partial(1, 100, 110, 100);
    partial.put(Uint8Array.of(1, 2, 3));
    expect([...(partial.from(101) ?? [])]).toEqual([2, 3]);
    expect(partial.from(103)).toBeUndefined();
    expect(partial.whole).toBe(false);
    partial.put(new Uint8Array(7));
    expect(partial.whole).toBe(true);
  });

  it("is never whole if it began in the middle", () => {
    const partial = new Partial(1, 100, 110, 105);
    partial.put(new Uint8Array(5));
    expect(partial.whole).toBe(false);
    expect(partial.from(104)).toBeUndefined();
  });
});

describe("the bytes for the player", () => {
  const layout = { infoHash: "", fileName: "", pieceLength: 10, total: 25, offset: 3, length: 20, hashes: new Uint8Array(60) };

  it("come from whole pieces and from what the server sent, up to the first gap", () => {
    const pieces = new Pieces(1000);
    const bytes = new Bytes(layout, pieces);
    expect(bytes.put(3, Uint8Array.from({ length: 9 }, (_, i) => i + 3))).toEqual([]);
    expect([...(bytes.collect(3, 99) ?? [])]).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(bytes.collect(12, 99)).toBeUndefined();
    expect(bytes.put(12, new Uint8Array(8)).map(({ index }) => index)).toEqual([1]);
    pieces.add(1, new Uint8Array(10));
    bytes.forget(1);
    pieces.add(2, new Uint8Array(5));
    expect(bytes.contiguous(3)).toBe(22);
    expect(bytes.collect(8, 12)).toHaveLength(4);
  });
});

describe("the player's reads", () => {
  const reading = () => {
    const answers: (number | undefined)[] = [];
    const all = new Reading();
    const add = (start: number) => all.add({ start, end: start + 9, since: 0, answer: (data) => answers.push(data?.length) });
    return { all, add, answers };
  };

  it("wait until there is enough to go on, unless much more comes than is played", () => {
    const { all } = reading();
    expect(all.holds).toBe(true);
    all.consider(599, 100, 100, 10_000);
    expect(all.holds).toBe(true);
    all.consider(600, 100, 100, 10_000);
    expect(all.holds).toBe(false);
    all.stalled();
    all.consider(200, 100, 200, 10_000);
    expect(all.holds).toBe(false);
  });

  it("do not wait for more than there is", () => {
    const { all } = reading();
    all.consider(50, 100, 10, 50);
    expect(all.holds).toBe(false);
  });

  it("are answered with what there is; those that the player forgot get nothing", () => {
    const { all, add, answers } = reading();
    add(0);
    add(50);
    add(70);
    expect(answers).toEqual([undefined]);
    expect(all.at).toBe(70);
    all.serve((start) => (start === 70 ? new Uint8Array(4) : undefined));
    expect(answers).toEqual([undefined, 4]);
    expect(all.at).toBe(50);
    all.end();
    expect(answers).toEqual([undefined, 4, undefined]);
    expect(all.at).toBe(74);
  });
});

describe("messages between viewers", () => {
  it("are numbers both ways", () => {
    expect(decode(encode([5, 0, 2 ** 32 - 1]))).toEqual([5, 0, 2 ** 32 - 1]);
  });

  it.each([0, 3, 5, 4 * 66])("of %i bytes are none", (length) => expect(decode(new Uint8Array(length))).toBeUndefined());
});

describe("who sent how much", () => {
  it("is said in a line", () => {
    const from = { server: 30, nodes: 50, viewers: 920 };
    expect(shares({ ...NOTHING, from, helpers: 5, nodeHelpers: 1 })).toBe("92% from 5 viewers · 5% from 1 node · 3% from the server");
    expect(shares(NOTHING)).toBe("Nothing came yet");
    expect(shares({ ...NOTHING, from: { server: 1, nodes: 0, viewers: 0 } })).toBe("100% from the server");
  });

  it("makes a hundred", () => {
    expect(percents([0.9999, 0.0001])).toEqual([99, 1]);
    expect(percents([1 / 3, 1 / 3, 1 / 3]).reduce((sum, value) => sum + value)).toBe(100);
  });
});

it("a rate is that of the last seconds", () => {
  const rate = new Rate();
  rate.add(400, 0);
  rate.add(400, 1);
  expect(rate.perSecond(1)).toBe(200);
  expect(rate.perSecond(4.5)).toBe(100);
  expect(rate.perSecond(9)).toBe(0);
});
