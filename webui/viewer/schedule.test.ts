import { describe, expect, it } from "vitest";
import { ask, bring, due, mayBring, turn, type Situation, type Source } from "./schedule";

const source = (change: Partial<Source>): Source => ({
  id: "x",
  viewer: true,
  at: 0,
  open: true,
  room: 4,
  has: () => false,
  claims: () => undefined,
  ...change,
});

const situation = (change: Partial<Situation> = {}): Situation => ({
  me: "b",
  brings: true,
  first: 0,
  end: 20,
  inHand: 4,
  pieceSeconds: 1,
  viewersAhead: 20,
  nodesAhead: 20,
  sources: [],
  missing: () => 4,
  ...change,
});
const node = (change: Partial<Source> = {}) => source({ id: "n", viewer: false, at: undefined, has: () => true, ...change });
const server = { seconds: 30, pieces: 2, late: () => false };

describe("turns", () => {
  const ids = ["a", "b", "c", "d"];
  const of = (me: string, index: number) =>
    turn(situation({ me, sources: ids.filter((id) => id !== me).map((id) => source({ id })) }), index);

  it("differ for each viewer, and go round", () => {
    for (let index = 0; index < 8; index += 1) {
      expect(ids.map((id) => of(id, index)).sort()).toEqual([0, 1, 2, 3]);
      expect(ids.find((id) => of(id, index) === 0)).toBe(ids[index % 4]);
    }
  });

  it("leave out who has the piece, is past it, far before it, or never said where it is", () => {
    const others = [{ has: () => true }, { at: 9 }, { at: undefined }].map((change, i) => source({ id: `a${i}`, ...change }));
    expect(turn(situation({ sources: others }), 5)).toBe(0);
    expect(turn(situation({ first: 40, sources: [source({ id: "a", at: 0 })] }), 41)).toBe(0);
  });

  it("come last for who cannot get anything from nodes, unless there is nobody else", () => {
    expect(turn(situation({ brings: false, sources: ids.slice(2).map((id) => source({ id })) }), 0)).toBe(2);
    expect(turn(situation({ brings: false }), 0)).toBe(0);
  });

  it("pass to the next when it gets late", () => {
    const crowd = { me: "b", sources: [source({ id: "a" })] };
    expect(turn(situation(crowd), 4)).toBe(1);
    expect(mayBring(situation(crowd), 4)).toBe(false);
    expect(mayBring(situation({ ...crowd, inHand: -2.5 }), 4)).toBe(true);
    expect(mayBring(situation(crowd), 5)).toBe(true);
  });

  it("are nobody's while somebody brings the piece", () => {
    const claimed = source({ id: "a", claims: (index) => (index === 5 ? 1 : undefined) });
    expect(mayBring(situation({ sources: [claimed], inHand: -5 }), 5)).toBe(false);
    expect(mayBring(situation({ sources: [{ ...claimed, claims: () => 3 }], inHand: -5 }), 5)).toBe(true);
    expect(mayBring(situation({ sources: [{ ...claimed, claims: () => 3 }] }), 5)).toBe(false);
    expect(mayBring(situation({ sources: [{ ...claimed, claims: () => 6 }] }), 5)).toBe(true);
    expect(mayBring(situation({ sources: [{ ...claimed, has: () => true }], inHand: -5 }), 5)).toBe(true);
  });
});

describe("what is asked of peers", () => {
  it("comes from viewers before nodes, and from the one with the most room", () => {
    const has = () => true;
    const sources = [node({ room: 64 }), source({ id: "v1", has, room: 2 }), source({ id: "v2", has, room: 6 })];
    const asked = ask(situation({ sources, end: 2 }));
    expect(asked).toEqual([
      { index: 0, from: "v2", blocks: 4 },
      { index: 1, from: "v1", blocks: 2 },
      { index: 1, from: "v2", blocks: 2 },
    ]);
  });

  it("is never more than there is room for, nor beyond the horizon", () => {
    expect(ask(situation({ sources: [node({ room: 6 })] })).reduce((sum, { blocks }) => sum + blocks, 0)).toBe(6);
    expect(ask(situation({ sources: [node({ room: 99 })], nodesAhead: 2 })).map(({ index }) => index)).toEqual([0, 1]);
  });

  it("of nodes is what it is our turn to bring", () => {
    const asked = ask(situation({ sources: [node({ room: 99 }), source({ id: "a" })], inHand: 9 }));
    expect(asked.every(({ index }) => index % 2 === 1)).toBe(true);
    expect(asked).toHaveLength(10);
  });
});

describe("what is brought over HTTP", () => {
  it("is what is needed soon, some pieces at a time", () => {
    expect(bring(situation(), server)).toEqual([0, 2]);
    expect(bring(situation({ inHand: 29.5 }), server)).toEqual([0, 1]);
    expect(bring(situation({ inHand: 31 }), server)).toBeUndefined();
    expect(bring(situation({ missing: (index) => (index < 3 ? 0 : 4), end: 4 }), server)).toEqual([3, 4]);
  });

  it("is left to the viewer whose turn it is, unless what was asked is late", () => {
    const crowd = situation({ sources: [source({ id: "a" })], end: 1 });
    expect(bring(crowd, server)).toBeUndefined();
    expect(bring(crowd, { ...server, late: () => true })).toEqual([0, 1]);
  });

  it("ends with the video", () => expect(bring(situation({ first: 20 }), server)).toBeUndefined());
});

it("a piece is due when the player gets there", () => {
  expect(due(situation({ first: 3, inHand: 2, pieceSeconds: 0.5 }), 7)).toBe(4);
});
