import { expect, test, vi } from "vitest";
import { Failure } from "../backend";
import type { Job, Visibility } from "../types";
import { estimate, Uploads } from "./uploads.svelte";

interface Sent {
  name: string;
  visibility: Visibility;
  progress: (fraction: number) => void;
  resolve: (job: Job) => void;
  reject: (error: Error) => void;
}

function rig() {
  const sent: Sent[] = [];
  const began = vi.fn();
  let now = 0;
  const uploads = new Uploads(
    {
      upload: (file, visibility, progress) => {
        let sending!: Sent;
        const done = new Promise<Job>((resolve, reject) => (sending = { name: file.name, visibility, progress, resolve, reject }));
        sent.push(sending);
        return { done, cancel: () => sending.reject(new Failure("The upload was cancelled.", 0)) };
      },
    },
    began,
    () => now,
  );
  const add = (...names: string[]) => uploads.add(names.map((name) => new File(["x"], name)), "private");
  const states = () => [...uploads.entries.values()].map(({ name, state }) => `${name} ${state}`);
  return { uploads, sent, began, add, states, after: (seconds: number) => (now += seconds) };
}

const job = { id: "j" } as Job;
const settled = () => new Promise((resolve) => setTimeout(resolve));

test("two at once, the next when one is done", async () => {
  const { sent, began, add, states } = rig();
  add("a", "b", "c");
  expect(states()).toEqual(["a sending", "b sending", "c waiting"]);
  expect(sent.map((one) => one.visibility)).toEqual(["private", "private"]);
  sent[0]!.resolve(job);
  await settled();
  expect(began).toHaveBeenCalledWith(job);
  expect(states()).toEqual(["b sending", "c sending"]);
});

test("tells progress and what remains", () => {
  const { uploads, sent, add, after } = rig();
  add("a");
  after(2);
  sent[0]!.progress(0.25);
  expect([...uploads.entries.values()][0]).toMatchObject({ progress: 0.25, remaining: 6 });
  expect(estimate(0.5, 0.1)).toBeNull();
  expect(estimate(0, 10)).toBeNull();
});

test("a failure stays with its words, and can be tried again", async () => {
  const { uploads, sent, add, states } = rig();
  add("a");
  sent[0]!.reject(new Failure("No space is left on the disk.", 507));
  await settled();
  const [entry] = uploads.entries.values();
  expect(entry).toMatchObject({ state: "failed", error: "No space is left on the disk." });
  expect(uploads.underway).toBe(false);
  uploads.retry(entry!.id);
  expect(states()).toEqual(["a sending"]);
  expect(sent).toHaveLength(2);
});

test("a cancelled one is gone without a word, and makes room", async () => {
  const { uploads, began, add, states } = rig();
  add("a", "b", "c");
  uploads.drop([...uploads.entries.keys()][0]!);
  await settled();
  expect(states()).toEqual(["b sending", "c sending"]);
  uploads.drop([...uploads.entries.keys()][1]!);
  await settled();
  expect(states()).toEqual(["b sending"]);
  expect(began).not.toHaveBeenCalled();
});
