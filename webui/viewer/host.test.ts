import { expect, it } from "vitest";
import { host } from "./host";

it("names a server without scheme, path and secrets", () => {
  expect(host("wss://tracker.example/announce?token=1")).toBe("tracker.example");
  expect(host("ws://anna:secret@[2001:db8::1]:5681/announce")).toBe("[2001:db8::1]:5681");
  expect(host("stun:stun.example.org:3478")).toBe("stun.example.org:3478");
  expect(host("nonsense")).toBe("nonsense");
});
