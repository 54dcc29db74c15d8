import { describe, expect, test } from "vitest";
import { answers, called, clicked, latency, rowsOf, sorted, summary, withGone } from "./rows";
import { aPeer } from "./testing";

describe("order", () => {
  const rows = rowsOf(
    [
      aPeer("10.0.0.10:1", { name: "bob", latency: null }),
      aPeer("10.0.0.9:1", { name: "Ann", latency: 0.2 }),
      aPeer("10.0.0.11:1", { latency: 0.1 }),
    ],
    new Map([["10.0.0.9:1", 7]]),
  );
  const ids = (column: Parameters<typeof clicked>[1], descending = false) =>
    sorted(rows, { column, descending }).map((row) => row.id.slice(7, -2));

  test("addresses as numbers, names without case, the nameless by their address", () => {
    expect(ids("id")).toEqual(["9", "10", "11"]);
    expect(ids("name")).toEqual(["11", "9", "10"]);
  });

  test("what is not known comes last in both directions", () => {
    expect(ids("latency")).toEqual(["11", "9", "10"]);
    expect(ids("latency", true)).toEqual(["9", "11", "10"]);
  });

  test("equals keep the order of their addresses", () => {
    expect(ids("videos", true)).toEqual(["9", "10", "11"]);
    expect(ids("kind", true)).toEqual(["9", "10", "11"]);
  });

  test("a click on the same column turns it round", () => {
    expect(clicked({ column: "name", descending: false }, "name").descending).toBe(true);
    expect(clicked({ column: "name", descending: true }, "videos")).toEqual({ column: "videos", descending: true });
    expect(clicked({ column: "name", descending: true }, "latency").descending).toBe(false);
  });
});

describe("a refresh", () => {
  const before = [aPeer("a:1"), aPeer("b:1"), aPeer("c:1")];
  const now = [aPeer("a:1", { last_seen: 2001 }), aPeer("b:1"), aPeer("d:1")];

  test("who was seen since has answered, who left the list has not", () => {
    expect(Object.fromEntries(answers(before, now, 2000, false))).toEqual({ "a:1": "alive", "b:1": "asking", "c:1": "gone" });
    expect(answers(before, now, 2000, true).get("b:1")).toBe("alive");
    expect(answers(before, [aPeer("a:1", { alive: false })], 2000, true).get("a:1")).toBe("silent");
  });

  test("who is gone is still shown", () => {
    const found = answers(before, now, 2000, false);
    expect(withGone(now, before, found).map((peer) => peer.id)).toEqual(["a:1", "b:1", "d:1", "c:1"]);
  });

  test("is told in words", () => {
    const found = answers(before, now, 2000, false);
    expect(summary(found, false)).toBe("Asking 3 peers… 1 answered");
    expect(summary(answers(before, now, 2000, true), true)).toBe(
      "2 of 3 peers answered. 1 did not and was removed.",
    );
    const silent = [aPeer("a:1", { alive: false }), aPeer("b:1")];
    expect(summary(answers(before, silent, 2000, true), true)).toBe(
      "1 of 3 peers answered. 2 did not, 1 of them was removed.",
    );
    expect(summary(answers(before, before, 2000, true), true)).toBe("All 3 peers are alive.");
  });
});

test("latency and names in words", () => {
  expect([latency(null), latency(0.0002), latency(0.0344), latency(1.26)]).toEqual(["–", "< 1 ms", "34 ms", "1.3 s"]);
  expect([called({ id: "a:1", name: " " }), called({ id: "a:1", name: "Ann" })]).toEqual(["a:1", "Ann"]);
});
