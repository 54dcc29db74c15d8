import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { makeVideo, seeded } from "./mock-data";
import { HOVER_MS, LEAVE_MS, leadsTo, Prefetcher, RENEW_MS } from "./prefetch";
import type { Video } from "./types";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const video = (id: string, changes: Partial<Video> = {}): Video => ({ ...makeVideo(seeded(1), id, 30, []), id, state: "remote", ...changes });

function rig({ free = true, answer = () => Promise.resolve(true) } = {}) {
  const said: string[] = [];
  const backend = {
    prefetch: (id: string) => {
      said.push(`begin ${id}`);
      return answer();
    },
    cancelPrefetch: async (id: string) => void said.push(`end ${id}`),
  };
  return { prefetcher: new Prefetcher(backend, () => free), said };
}

function card(prefetcher: Prefetcher, of: Video) {
  const element = new EventTarget() as HTMLElement;
  const action = leadsTo(prefetcher)(element, of);
  const send = (kind: string, pointerType = "mouse") => element.dispatchEvent(Object.assign(new Event(kind), { pointerType }));
  return { ...action, send };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test("a pointer that stays begins once, and one that leaves ends it", async () => {
  const { prefetcher, said } = rig();
  const { send } = card(prefetcher, video("a"));
  send("pointerenter");
  await pass(HOVER_MS - 1);
  expect(said).toEqual([]);
  await pass(1);
  expect(said).toEqual(["begin a"]);
  send("focusin");
  await pass(1000);
  send("pointerleave");
  await pass(1000);
  expect(said).toEqual(["begin a"]);
  send("focusout");
  await pass(LEAVE_MS);
  expect(said).toEqual(["begin a", "end a"]);
});

test("a pointer that passes by begins nothing", async () => {
  const { prefetcher, said } = rig();
  const { send } = card(prefetcher, video("a"));
  send("pointerenter");
  await pass(HOVER_MS - 1);
  send("pointerleave");
  await pass(RENEW_MS);
  expect(said).toEqual([]);
});

test("a finger that comes down begins at once, and scrolling ends it", async () => {
  const { prefetcher, said } = rig();
  const { send } = card(prefetcher, video("a"));
  send("pointerenter", "touch");
  await pass(1000);
  expect(said).toEqual([]);
  send("pointerdown", "touch");
  expect(said).toEqual(["begin a"]);
  send("pointercancel", "touch");
  await pass(LEAVE_MS);
  expect(said).toEqual(["begin a", "end a"]);
});

test("from the card to its page it goes on", async () => {
  const { prefetcher, said } = rig();
  const { send, destroy } = card(prefetcher, video("a"));
  send("pointerenter");
  await pass(HOVER_MS);
  destroy();
  await pass(LEAVE_MS - 1);
  const stop = prefetcher.want("a", 0);
  await pass(RENEW_MS - 3 * LEAVE_MS);
  expect(said).toEqual(["begin a"]);
  stop();
  stop();
  await pass(LEAVE_MS);
  expect(said).toEqual(["begin a", "end a"]);
});

test("it is asked for again while it is wanted, unless there was nothing to do", async () => {
  let worth = true;
  const { prefetcher, said } = rig({ answer: () => Promise.resolve(worth) });
  const stop = prefetcher.want("a", 0);
  await pass(RENEW_MS);
  expect(said).toEqual(["begin a", "begin a"]);
  worth = false;
  await pass(3 * RENEW_MS);
  expect(said).toEqual(["begin a", "begin a", "begin a"]);
  stop();
  await pass(LEAVE_MS);
  expect(said.at(-1)).toBe("end a");
});

test("nothing that was not begun is ended, and a node that is away is no problem", async () => {
  const none = rig({ answer: () => Promise.resolve(false) });
  none.prefetcher.want("a", 0)();
  await pass(LEAVE_MS);
  const away = rig({ answer: () => Promise.reject(new Error("away")) });
  away.prefetcher.want("a", 0)();
  await pass(LEAVE_MS);
  expect([none.said, away.said]).toEqual([["begin a"], ["begin a"]]);
});

test("who leaves before the node has answered ends it then", async () => {
  let begun: (begun: boolean) => void = () => undefined;
  const { prefetcher, said } = rig({ answer: () => new Promise((resolve) => (begun = resolve)) });
  prefetcher.want("a", 0)();
  await pass(LEAVE_MS);
  expect(said).toEqual(["begin a"]);
  begun(true);
  await pass(0);
  expect(said).toEqual(["begin a", "end a"]);
});

test("neither what is here nor a classic peer's file, nor where the line is not free", async () => {
  const { prefetcher, said } = rig();
  for (const other of [video("a", { state: "complete" }), video("b", { classic: true })]) card(prefetcher, other).send("pointerdown");
  const costly = rig({ free: false });
  card(costly.prefetcher, video("c")).send("pointerdown");
  await pass(RENEW_MS);
  expect([...said, ...costly.said]).toEqual([]);
});

test("a card that shows another video is another one's", async () => {
  const { prefetcher, said } = rig();
  const { send, update } = card(prefetcher, video("a"));
  send("pointerdown");
  update(video("b"));
  await pass(LEAVE_MS);
  send("pointerdown");
  expect(said).toEqual(["begin a", "end a", "begin b"]);
});
