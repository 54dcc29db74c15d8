import { expect, test, vi } from "vitest";
import type { Backend } from "../backend";
import { AppState } from "../state.svelte";
import type { Peer } from "../types";
import { Refresh } from "./refresh.svelte";
import { aPeer } from "./testing";

function started(): { app: AppState; refresh: Refresh; finish: (peers: Peer[]) => void; fail: () => void } {
  let finish: (peers: Peer[]) => void = () => undefined;
  let fail: () => void = () => undefined;
  const refreshPeers = () =>
    new Promise<Peer[]>((resolve, reject) => {
      finish = resolve;
      fail = () => reject(new Error("away"));
    });
  const app = new AppState({ refreshPeers } as unknown as Backend);
  app.peers = [aPeer("a:1"), aPeer("b:1")];
  return { app, refresh: new Refresh(app), finish: (peers) => finish(peers), fail: () => fail() };
}

test("answers show as they come in, and the result for a while", async () => {
  vi.useFakeTimers();
  const { app, refresh, finish } = started();
  const done = refresh.run();
  expect(refresh.text).toBe("Asking 2 peers… 0 answered");
  const alive = aPeer("a:1", { last_seen: Date.now() / 1000 + 1 });
  app.peers = [alive, aPeer("b:1")];
  expect(refresh.found.get("a:1")).toBe("alive");
  finish([alive]);
  await done;
  expect(refresh.text).toBe("1 of 2 peers answered. 1 did not and was removed.");
  expect(refresh.peers.map((peer) => peer.id)).toEqual(["a:1", "b:1"]);
  refresh.forget("b:1");
  expect(refresh.peers.map((peer) => peer.id)).toEqual(["a:1"]);
  vi.advanceTimersByTime(10_000);
  expect([refresh.text, refresh.peers.length]).toEqual(["", 1]);
  vi.useRealTimers();
});

test("a failure leaves nothing behind", async () => {
  const { refresh, fail } = started();
  const done = refresh.run();
  fail();
  await expect(done).rejects.toThrow("away");
  expect([refresh.running, refresh.text, refresh.peers.length]).toEqual([false, "", 2]);
});
