import { expect, test } from "vitest";
import { label, translucent } from "./draw";
import type { Dot } from "./network";

const dot = (name: string, kind: Dot["kind"] = "p2ptube"): Dot => ({ id: "a:1", name, kind, videos: 0, radius: 6 });

test("a label is one short line, whatever was sent", () => {
  expect(label(dot("Ann"))).toBe("Ann");
  expect(label(dot(""))).toBe("a:1");
  expect(label(dot("Me", "self"))).toBe("You");
  expect(label(dot("a\n\tb"))).toBe("a b");
  expect([...label(dot("🪐".repeat(100)))]).toHaveLength(22);
});

test("lines take the colour of the theme, but faint", () => {
  expect(translucent("#51605a")).toBe("#51605a59");
  expect(translucent("rgb(1 2 3)")).toBe("rgb(1 2 3)");
});
