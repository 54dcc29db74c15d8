import { expect, test } from "vitest";
import { hostOf, reach } from "./address";

test.each([
  ["127.0.0.1:5678", "this computer"],
  ["[::1]:5678", "this computer"],
  ["192.168.1.20:5678", "local network"],
  ["172.20.0.2:5678", "local network"],
  ["100.64.0.1:5678", "local network"],
  ["[fd00::1]:5678", "local network"],
  ["nas.local:5678", "local network"],
  ["172.32.0.2:5678", "internet"],
  ["[2001:db8::1]:5678", "internet"],
  ["example.org:5678", "internet"],
])("%s is reached from %s", (address, expected) => {
  expect(reach(address)).toBe(expected);
});

test("the host of an address", () => {
  expect([hostOf("a.b:1"), hostOf("[::1]:5"), hostOf("host")]).toEqual(["a.b", "::1", "host"]);
});
