// Home, Search and Library, mounted over the mock.

import { flushSync, mount, unmount, type Component } from "svelte";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { app } from "../lib/app";
import { parse, route } from "../lib/route.svelte";
import Home from "./Home.svelte";
import Library from "./Library.svelte";
import Search from "./Search.svelte";

vi.mock("../lib/app", async () => {
  const { createMock } = await import("../lib/mock");
  const { AppState } = await import("../lib/state.svelte");
  const backend = createMock(false);
  return { backend, app: new AppState(backend) };
});

let close = () => {};

/** Opens a page as the address bar says, and lets its first second pass. */
async function open(hash: string, Page: Component): Promise<HTMLElement> {
  Object.assign(route, parse(hash));
  const stop = app.start();
  const page = mount(Page, { target: document.body });
  close = () => {
    stop();
    void unmount(page);
  };
  await vi.advanceTimersByTimeAsync(1000);
  flushSync();
  return document.body;
}

const button = (name: string): HTMLButtonElement => {
  // A modal dialog shuts out the rest.
  const all = [...(document.querySelector("dialog") ?? document).querySelectorAll("button")];
  const found = all.find((element) => (element.getAttribute("aria-label") ?? element.textContent ?? "").trim().startsWith(name));
  if (!found) throw new Error(`no button ${name}`);
  return found;
};

async function press(name: string): Promise<void> {
  button(name).click();
  await vi.advanceTimersByTimeAsync(1000);
  flushSync();
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("IntersectionObserver", class { observe() {} disconnect() {} });
  vi.stubGlobal("scrollTo", () => {});
  HTMLDialogElement.prototype.showModal ??= function (this: HTMLDialogElement) {
    this.open = true;
  };
});
afterEach(() => {
  close();
  document.body.replaceChildren();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test("home: hostile titles are text, newest first", async () => {
  const body = await open("#/", Home);
  const titles = [...body.querySelectorAll("h2")].map((title) => title.textContent);
  expect(titles[0]).toContain("Sunrise");
  expect(titles).toContain("<img src=x onerror=alert(1)>");
  expect(body.querySelector("[onerror]")).toBeNull();
  expect(Math.max(...titles.map((title) => title!.length))).toBeLessThanOrEqual(300);
});

test("home on the first day names the two things to do", async () => {
  vi.spyOn(app.backend, "search").mockImplementation((_text, _seconds, _result, done) => {
    done();
    return () => {};
  });
  for (const name of ["videos", "jobs", "peers"] as const) vi.spyOn(app.backend, name).mockResolvedValue([]);
  vi.spyOn(app.backend, "events").mockImplementation((on) => {
    on({ kind: "ready" });
    return () => {};
  });
  app.videos.clear();
  const body = await open("#/", Home);
  await vi.advanceTimersByTimeAsync(4000);
  flushSync();
  const links = [...body.querySelectorAll("a")].map((link) => `${link.querySelector("b")?.textContent} ${link.hash}`);
  expect(links).toEqual(["Add a video #/library?add", "Join a peer #/peers"]);
});

test("search: tells how it stands, and the list only grows at its end", async () => {
  const body = await open("#/search?q=the", Search);
  const shown = () => [...body.querySelectorAll(".results h2")].map((title) => title.textContent);
  const early = shown();
  expect(body.querySelector("[role=status]")!.textContent).toContain("still searching 40 peers…");
  await vi.advanceTimersByTimeAsync(3000);
  flushSync();
  expect(shown().length).toBeGreaterThan(early.length);
  expect(shown().slice(0, early.length)).toEqual(early);
  expect(body.querySelector("[role=status]")!.textContent!.trim()).toMatch(/^\d+ videos$/);
});

test("search: stopped before anything was found, it gives hints", async () => {
  const body = await open("#/search?q=zzzz", Search);
  await press("Stop");
  expect(body.textContent).toContain("Nothing found");
});

test("library: removing says what goes, and the own file is not the default", async () => {
  const body = await open("#/library", Library);
  await press("Remove Sunrise");
  const dialog = body.querySelector("dialog")!;
  expect(dialog.textContent).toContain("Your own file is deleted from the disk: /home/me/Videos/Sunrise");
  expect(button("Remove only the listing")).toBeTruthy();
  await press("Remove only the listing");
  expect(body.querySelector("dialog")).toBeNull();
  expect(body.querySelector("h2 a")!.textContent).not.toContain("Sunrise");
});

test("library: stopped by mistake, a video is one click from being fetched", async () => {
  await open("#/library", Library);
  await press("Stop fetching How");
  await press("Stop fetching");
  await press("Fetch How");
  expect(button("Stop fetching How")).toBeTruthy();
});

test("library?add opens the panel, and wrong paths are told in words", async () => {
  const body = await open("#/library?add", Library);
  const input = body.querySelector<HTMLInputElement>("#source")!;
  input.value = "nowhere";
  input.dispatchEvent(new Event("input"));
  body.querySelector<HTMLFormElement>("form.source")!.requestSubmit();
  await vi.advanceTimersByTimeAsync(500);
  flushSync();
  expect(body.querySelector("[role=alert]")!.textContent).toBe("There is no file nowhere.");
});
