// The videos of a torrent, mounted over the mock.

import { flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Failure } from "../../lib/backend";
import { createMock } from "../../lib/mock";
import { Choosing } from "../../lib/player/choosing.svelte";
import { AppState } from "../../lib/state.svelte";
import type { Video } from "../../lib/types";
import Files from "./Files.svelte";
import NextFile from "./NextFile.svelte";

let close: (() => void)[] = [];
let app: AppState;
let choosing: Choosing;
let id = "";

const video = (): Video => app.videos.get(id)!;
const options = () => [...document.querySelectorAll<HTMLElement>("[role=option]")];
const named = (name: string) => options().find((option) => option.textContent!.includes(name))!;
const selected = () => options().filter((option) => option.ariaSelected === "true").map((option) => option.querySelector(".name")!.textContent);
const press = (key: string) => document.activeElement!.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));

async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
  flushSync();
}

beforeEach(async () => {
  vi.useFakeTimers();
  app = new AppState(createMock(false));
  close = [app.start()];
  await pass(500);
  id = [...app.videos.values()].find((each) => each.title.startsWith("Tide Pools"))!.id;
  choosing = new Choosing(app.backend, (changed) => app.take({ kind: "video", data: changed }), () => video().file);
  choosing.open(id);
  void choosing.load();
  const list = mount(Files, { target: document.body, props: { get video() { return video(); }, choosing } });
  close.push(() => void unmount(list));
  await pass(100);
});
afterEach(() => {
  close.forEach((end) => end());
  document.body.replaceChildren();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test("lists the videos by name, with what is here of each", () => {
  expect(options().map((option) => option.querySelector(".name")!.textContent).slice(0, 4)).toEqual([
    ...["Bloopers", "Tide Pools S01E1", "Tide Pools S01E2", "Tide Pools S01E3"],
  ]);
  expect(options()).toHaveLength(12);
  expect(named("S01E1").textContent).toMatch(/MB · here $/);
  expect(named("S01E2").textContent).toMatch(/MB · \d+% here $/);
  expect(named("Bloopers").textContent).toMatch(/Extras · \d+ MB $/);
  expect(selected()).toEqual(["Tide Pools S01E2"]);
});

test("another one is chosen by a click, and what was here of the first stays", async () => {
  const before = video();
  named("S01E4").click();
  flushSync();
  expect(selected()).toEqual(["Tide Pools S01E4"]);
  expect(named("S01E4").querySelector(".spinner")).not.toBeNull();
  expect(video().title).toBe("Tide Pools S01E2");
  await pass(600);
  expect(video()).toMatchObject({ title: "Tide Pools S01E4", state: "fetching", id: before.id });
  expect(document.querySelector(".spinner")).toBeNull();
  void choosing.choose(before.file!);
  await pass(600);
  expect(video().title).toBe("Tide Pools S01E2");
  expect(video().progress).toBeGreaterThanOrEqual(before.progress);
});

test("by keyboard: the arrows go along the list, Enter chooses", async () => {
  const [only, ...others] = options().filter((option) => option.tabIndex === 0);
  expect([only!.textContent!.includes("S01E2"), others.length]).toEqual([true, 0]);
  only!.focus();
  press("ArrowDown");
  expect(document.activeElement).toBe(named("S01E3"));
  press("End");
  press("ArrowDown"); // there is no further one
  expect(document.activeElement).toBe(options().at(-1));
  press("Home");
  press("ArrowUp");
  expect(document.activeElement).toBe(options()[0]);
  flushSync();
  expect(options().filter((option) => option.tabIndex === 0)).toEqual([options()[0]]);
  // Not those of the browser, nor those of the player.
  expect(press("k")).toBe(true);
  press("ArrowDown");
  expect(press("Enter")).toBe(false);
  await pass(600);
  expect(selected()).toEqual(["Tide Pools S01E1"]);
});

test("who chooses again meanwhile gets what was chosen last", async () => {
  named("S01E5").click();
  named("S01E6").click();
  flushSync();
  expect(selected()).toEqual(["Tide Pools S01E6"]);
  await pass(2000);
  expect(video().title).toBe("Tide Pools S01E6");
  expect(choosing.wanted).toBeUndefined();
});

test("what cannot be had leaves everything as it was, and says why", async () => {
  const before = { ...video() };
  named("Bloopers").click();
  await pass(5000);
  expect(document.querySelector("[role=alert]")!.textContent).toBe("Bloopers cannot be opened: nobody who has this torrent can be reached at the moment");
  expect(selected()).toEqual(["Tide Pools S01E2"]);
  expect(video()).toMatchObject({ file: before.file, title: before.title });
  // Gone with the next choice.
  named("S01E3").click();
  await pass(600);
  expect(document.querySelector("[role=alert]")).toBeNull();
});

test("a list that cannot be had is none; what was known of it stays", async () => {
  const files = vi.spyOn(app.backend, "files").mockRejectedValue(new Failure("away", 0));
  await choosing.load();
  flushSync();
  expect(options()).toHaveLength(12);
  choosing.open("another");
  flushSync();
  expect(options()).toHaveLength(0);
  await choosing.load();
  expect(files).toHaveBeenLastCalledWith("another");
  expect(choosing.list).toEqual([]);
});

test("at the end the next one is offered, and only then", async () => {
  let ended = false;
  const over = mount(NextFile, { target: document.body, props: { choosing, get ended() { return ended; } } });
  flushSync();
  expect(document.querySelector(".next button")).toBeNull();
  void unmount(over);
  ended = true;
  const offered = mount(NextFile, { target: document.body, props: { choosing, ended } });
  close.push(() => void unmount(offered));
  flushSync();
  const button = document.querySelector<HTMLButtonElement>(".next button")!;
  expect(button.textContent!.replace(/\s+/g, " ").trim()).toBe("Next: Tide Pools S01E3");
  vi.spyOn(app.backend, "chooseFile").mockReturnValue(new Promise(() => {}));
  button.click();
  await pass(500);
  expect(document.querySelector(".next")!.textContent!.trim()).toBe("");
  await pass(600);
  expect(document.querySelector(".next [role=status]")!.textContent).toBe("Opening Tide Pools S01E3…");
});

test("there is none behind the last one", () => {
  const last = choosing.list.at(-1)!;
  app.take({ kind: "video", data: { ...video(), file: last.index } });
  expect([choosing.next, choosing.step(1)]).toEqual([undefined, false]);
  expect(choosing.step(-1)).toBe(true);
});
