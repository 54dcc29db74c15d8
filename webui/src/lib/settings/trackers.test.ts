import { expect, test } from "vitest";
import type { Tracker } from "../types";
import { said } from "./trackers";

const tracker = (facts: Partial<Tracker>): Tracker => ({
  url: "http://t.example/announce",
  state: "working",
  error: "",
  own: false,
  answered_at: 1,
  peers: 0,
  index: true,
  listed: 0,
  refused: "",
  ...facts,
});

test("how a tracker stands", () => {
  expect(said(tracker({ peers: 1, listed: 2 }))).toEqual({ mark: "good", text: "Works · told of 1 peer · lists 2 videos of yours" });
  expect(said(tracker({}))).toEqual({ mark: "good", text: "Works · lists videos" });
  expect(said(tracker({ index: false, peers: 3 })).text).toBe("Works · told of 3 peers · has no index to search");
  expect(said(tracker({ index: null })).text).toBe("Works");
  expect(said(tracker({ refused: "it is full" })).text).toContain("but not all: it is full");
  expect(said(tracker({ state: "failing", error: "timed out" }))).toEqual({ mark: "bad", text: "Does not work: timed out" });
  expect(said(tracker({ state: "failing" })).text).toBe("Does not work");
  expect(said(tracker({ state: "waiting", index: null }))).toEqual({ mark: "waiting", text: "Nothing announced yet" });
});
