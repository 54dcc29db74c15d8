import { beforeEach, describe, expect, it, vi } from "vitest";
import { commandOf, HELP, nextSpeed, perform, whereOf, type Controls, type Where } from "./shortcuts";

const PAGE: Where = { typing: false, control: false, arrows: false, player: false };
const press = (key: string, more = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more });

describe("commandOf", () => {
  it.each([
    ["k", { do: "toggle" }],
    [" ", { do: "toggle" }],
    ["K", { do: "toggle" }],
    ["j", { do: "seek", by: -10 }],
    ["l", { do: "seek", by: 10 }],
    ["ArrowLeft", { do: "seek", by: -5 }],
    ["ArrowRight", { do: "seek", by: 5 }],
    ["0", { do: "jump", to: 0 }],
    ["7", { do: "jump", to: 0.7 }],
    ["<", { do: "speed", by: -1 }],
    [">", { do: "speed", by: 1 }],
    ["m", { do: "mute" }],
    ["f", { do: "fullscreen" }],
    ["t", { do: "theatre" }],
    ["c", { do: "captions" }],
    ["i", { do: "pip" }],
    ["?", { do: "help" }],
  ])("%s", (key, command) => expect(commandOf(press(key), PAGE)).toEqual(command));

  it("goes to another file with Shift only: not because capitals are locked", () => {
    expect(commandOf(press("N", { shiftKey: true }), PAGE)).toEqual({ do: "file", by: 1 });
    expect(commandOf(press("p", { shiftKey: true }), PAGE)).toEqual({ do: "file", by: -1 });
    expect(commandOf(press("N"), PAGE)).toBeUndefined();
    expect(commandOf(press("K", { shiftKey: true }), PAGE)).toEqual({ do: "toggle" });
  });
  it("leaves up and down to the page, outside the player", () => {
    expect(commandOf(press("ArrowUp"), PAGE)).toBeUndefined();
    expect(commandOf(press("ArrowUp"), { ...PAGE, player: true })).toEqual({ do: "volume", by: 0.05 });
    expect(commandOf(press("End"), PAGE)).toBeUndefined();
  });
  it("does nothing while typing, nor with Ctrl, Alt or Meta", () => {
    expect(commandOf(press("k"), { ...PAGE, typing: true })).toBeUndefined();
    for (const key of ["ctrlKey", "altKey", "metaKey"]) expect(commandOf(press("f", { [key]: true }), PAGE)).toBeUndefined();
  });
  it("leaves space to a button, and the arrows to a slider", () => {
    expect(commandOf(press(" "), { ...PAGE, control: true })).toBeUndefined();
    expect(commandOf(press("k"), { ...PAGE, control: true })).toEqual({ do: "toggle" });
    expect(commandOf(press("ArrowLeft"), { ...PAGE, arrows: true })).toBeUndefined();
  });
  it("knows no other key", () => expect(commandOf(press("Tab"), PAGE)).toBeUndefined());
});

it("the help names every key that does something", () => {
  const named = HELP.flatMap((line) => line.keys);
  for (const key of ["k", "j", "l", "0", "9", "m", "f", "t", "c", "<", ">", "i", "?", "⇧ N", "⇧ P"]) expect(named).toContain(key);
});

describe("whereOf", () => {
  beforeEach(() => {
    document.body.innerHTML =
      "<main><div id=p><button></button><media-volume-range></media-volume-range></div><input><a href='#'><b></b></a></main>";
  });
  const player = () => document.querySelector("#p")!;
  const at = (selector: string) => whereOf(document.querySelector(selector), player());

  it("sees text fields", () => expect(at("input").typing).toBe(true));
  it("sees the player and its buttons", () => expect(at("#p button")).toMatchObject({ player: true, control: true }));
  it("sees links by what is in them", () => expect(at("a b")).toMatchObject({ player: false, control: true }));
  it("sees the volume", () => expect(at("media-volume-range").arrows).toBe(true));
  it("takes an unknown target for the page", () => expect(whereOf(null, player())).toEqual(PAGE));
  it("sees an open dialog anywhere", () => {
    document.body.append(Object.assign(document.createElement("dialog"), { open: true }));
    expect(at("main").typing).toBe(true);
  });
  it("takes what was focused in a dialog that was closed for the page", () => {
    const dialog = document.createElement("dialog");
    dialog.innerHTML = "<button></button><input>";
    document.body.append(dialog);
    expect(at("dialog button")).toEqual(PAGE);
    expect(at("dialog input")).toEqual(PAGE);
  });
});

describe("nextSpeed", () => {
  it.each([
    [1, 1, 1.25],
    [1, -1, 0.75],
    [2, 1, 2],
    [0.25, -1, 0.25],
    [1.1, 1, 1.25],
    [1.1, -1, 1],
  ] as const)("%s by %s is %s", (now, by, next) => expect(nextSpeed(now, by)).toBe(next));
});

describe("perform", () => {
  const controls = () =>
    Object.fromEntries(["fullscreen", "theatre", "captions", "pip", "help", "file", "say"].map((name) => [name, vi.fn()])) as unknown as Controls;
  const video = (more = {}) =>
    ({ currentTime: 50, duration: 100, volume: 0.5, muted: false, playbackRate: 1, paused: true, ...more }) as HTMLVideoElement;

  it("seeks within the video", () => {
    const it = video({ currentTime: 97 });
    perform({ do: "seek", by: 10 }, it, controls());
    expect(it.currentTime).toBe(100);
    perform({ do: "jump", to: 0.3 }, it, controls());
    expect(it.currentTime).toBe(30);
  });
  it("does not jump in a video of unknown length", () => {
    const it = video({ duration: NaN });
    perform({ do: "jump", to: 0.5 }, it, controls());
    expect(it.currentTime).toBe(50);
  });
  it("turns the sound on with the volume, and off at none", () => {
    const it = video({ volume: 0.03, muted: true });
    const said = controls();
    perform({ do: "volume", by: 0.05 }, it, said);
    expect(it).toMatchObject({ volume: 0.08, muted: false });
    expect(said.say).toHaveBeenCalledWith("Volume 8%");
    perform({ do: "volume", by: -0.5 }, it, said);
    expect(it).toMatchObject({ volume: 0, muted: true });
  });
  it("steps frames only while paused", () => {
    const it = video({ paused: false });
    perform({ do: "frame", by: 1 }, it, controls());
    expect(it.currentTime).toBe(50);
  });
  it("swallows a refused play", async () => {
    const play = vi.fn(() => Promise.reject(new Error("not allowed")));
    perform({ do: "toggle" }, video({ play }), controls());
    expect(play).toHaveBeenCalled();
  });
  it("hands over what the player does", () => {
    const given = controls();
    for (const name of ["fullscreen", "theatre", "captions", "pip", "help"] as const) {
      perform({ do: name }, video(), given);
      expect(given[name]).toHaveBeenCalledOnce();
    }
    perform({ do: "file", by: -1 }, video(), given);
    expect(given.file).toHaveBeenCalledWith(-1);
  });
});
