import { beforeEach, describe, expect, it, vi } from "vitest";
import { described, Measure, observe, UNMEASURED, type Measured } from "./measure";

let now = 0;
let measure: Measure;
beforeEach(() => {
  now = 100;
  measure = new Measure(() => now);
});
const after = (seconds: number) => ((now += seconds), measure);
const started = () => {
  measure.press();
  after(0.8).playing();
};

describe("start", () => {
  it("is from the press to the first frame", () => {
    measure.press();
    expect(measure.result).toMatchObject({ starting: true, startup: undefined });
    after(0.3).waiting();
    after(0.5).playing();
    expect(measure.result).toMatchObject({ starting: false, stalls: 0 });
    expect(measure.result.startup).toBeCloseTo(0.8);
  });
  it("counts from the next press where autoplay was refused", () => {
    measure.press();
    after(1).paused();
    expect(measure.result.starting).toBe(false);
    after(60).press();
    after(0.5).playing();
    expect(measure.result.startup).toBeCloseTo(0.5);
  });
  it("is measured once", () => {
    started();
    after(5).paused();
    after(5).press();
    after(3).playing();
    expect(measure.result.startup).toBeCloseTo(0.8);
  });
  it("is not taken for a seek when it goes on where it was left", () => {
    measure.press();
    measure.seeking(false);
    after(1).playing();
    expect(measure.result).toMatchObject({ startup: 1, seek: undefined });
  });
});

describe("stalls", () => {
  beforeEach(started);

  it("are counted with their length", () => {
    after(10).waiting();
    expect(measure.result.stalling).toBe(true);
    after(1.5).playing();
    after(4).waiting();
    after(0.5).playing();
    expect(measure.result).toMatchObject({ stalls: 2, stalled: 2, stalling: false });
  });
  it("are none where a picture came a little late", () => {
    after(10).waiting();
    after(0.05).playing();
    expect(measure.result.stalls).toBe(0);
  });
  it("end with a pause, a seek or the end", () => {
    for (const end of [() => measure.paused(), () => measure.seeking(false)]) {
      after(10).waiting();
      now += 1;
      end();
      after(30).playing();
    }
    expect(measure.result).toMatchObject({ stalls: 2, stalled: 2 });
  });
});

describe("seeks", () => {
  beforeEach(started);

  it("are no stalls, and timed", () => {
    after(10).seeking(false);
    after(0.2).waiting();
    after(0.4).playing();
    expect(measure.result.stalls).toBe(0);
    expect(measure.result.seek).toBeCloseTo(0.6);
  });
  it("while paused count from the press of play", () => {
    after(10).paused();
    measure.seeking(true);
    after(60).press();
    after(0.1).waiting();
    after(0.4).playing();
    expect(measure.result).toMatchObject({ stalls: 0 });
    expect(measure.result.seek).toBeCloseTo(0.5);
  });
  it("of a dragged bar count from the first", () => {
    measure.seeking(false);
    after(1).seeking(false);
    after(1).playing();
    expect(measure.result.seek).toBe(2);
  });
});

it("says it in words", () => {
  const with_ = (more: Partial<Measured>) => described({ ...UNMEASURED, ...more });
  expect(with_({})).toBe("Not started yet");
  expect(with_({ starting: true })).toBe("Starting…");
  expect(with_({ startup: 0.84 })).toBe("Started in 0.8 s · no stalls");
  expect(with_({ startup: 12.3, stalls: 1, stalled: 0.4 })).toBe("Started in 12 s · 1 stall (0.4 s)");
  expect(with_({ startup: 1, stalls: 3, stalled: 11, seek: 0.5 })).toBe(
    "Started in 1.0 s · 3 stalls (11 s) · last seek 0.5 s",
  );
  expect(with_({ startup: 1, stalling: true })).toBe("Started in 1.0 s · no stalls · waiting for data");
});

it("observes a video element until it is told to stop", () => {
  const video = document.createElement("video");
  const changed = vi.fn();
  const stop = observe(video, changed);
  video.dispatchEvent(new Event("play"));
  expect(changed).toHaveBeenLastCalledWith(expect.objectContaining({ starting: true }));
  video.dispatchEvent(new Event("playing"));
  expect(changed.mock.lastCall?.[0].startup).toBeGreaterThanOrEqual(0);
  stop();
  video.dispatchEvent(new Event("pause"));
  expect(changed).toHaveBeenCalledTimes(2);
});

it("believes the element more than an event that comes late", () => {
  const video = document.createElement("video");
  const state = { readyState: 2, seeking: false, paused: false };
  for (const name of ["readyState", "seeking", "paused"] as const) {
    Object.defineProperty(video, name, { get: () => state[name] });
  }
  let last = UNMEASURED;
  const tell = (name: string) => (video.dispatchEvent(new Event(name)), last);
  observe(video, (measured) => (last = measured));
  tell("playing");
  expect(tell("waiting").stalling).toBe(true);
  expect(tell("timeupdate").stalling).toBe(true);
  state.readyState = 4;
  expect(tell("timeupdate").stalling).toBe(false);
  expect(tell("waiting").stalling).toBe(false);
  Object.assign(state, { readyState: 1, seeking: true });
  expect(tell("waiting").stalling).toBe(false);
});
