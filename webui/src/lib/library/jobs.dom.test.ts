import { expect, test } from "vitest";
import type { Job } from "../types";
import { left, loadDismissed, said, saveDismissed, visible } from "./jobs";

const job = (id: string, state: Job["state"], changes: Partial<Job> = {}): Job => ({
  ...{ id, kind: "add", label: id, state, stage: "", progress: 0, remaining: null, error: "", video: null },
  ...changes,
});

test("shows those at work, failed ones until dismissed, done ones if they were seen", () => {
  const jobs = [
    job("old", "done"),
    job("done", "done"),
    job("broken", "failed"),
    job("away", "failed"),
    job("queued", "queued"),
    job("running", "running"),
    job("cancelled", "cancelled"),
  ];
  const shown = visible(jobs, new Set(["done", "cancelled"]), new Set(["away"]));
  expect(shown.map(({ id }) => id)).toEqual(["running", "queued", "broken", "done"]);
});

test("words", () => {
  expect(said(job("a", "running", { stage: "transcode" }))).toBe("Converting for every browser");
  expect(said(job("a", "running", { stage: "unheard of" }))).toBe("Working");
  expect(said(job("a", "failed", { error: "No picture in it." }))).toBe("No picture in it.");
  expect(said(job("a", "failed"))).toContain("did not say why");
  expect(left(95)).toBe("about 1 min 35 s left");
  expect(left(null)).toBe("");
});

test("what is dismissed is remembered, within bounds, and rubbish is not believed", () => {
  localStorage.clear();
  expect(loadDismissed(localStorage)).toEqual([]);
  saveDismissed(localStorage, Array.from({ length: 1000 }, (_, n) => String(n)));
  expect(loadDismissed(localStorage)).toHaveLength(300);
  localStorage.setItem("dismissed-jobs", "{");
  expect(loadDismissed(localStorage)).toEqual([]);
  localStorage.setItem("dismissed-jobs", '{"a":1}');
  expect(loadDismissed(localStorage)).toEqual([]);
});
