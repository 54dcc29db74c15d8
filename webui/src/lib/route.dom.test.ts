import { expect, test } from "vitest";
import { href, parse } from "./route.svelte";

test.each([
  ["", "home", "", "", false],
  ["#/", "home", "", "", false],
  ["#/nowhere", "home", "", "", false],
  ["#/watch/00ff", "watch", "00ff", "", false],
  ["#/watch/a%2Fb", "watch", "a/b", "", false],
  ["#/watch/%E0%A4%A", "watch", "", "", false],
  ["#/search?q=a%20%26%20b", "search", "", "a & b", false],
  ["#/library", "library", "", "", false],
  ["#/library?add", "library", "", "", true],
  ["#/library?add=1", "library", "", "", true],
  ["#/peers?add", "peers", "", "", false],
])("%s", (hash, page, id, query, add) => {
  expect(parse(hash)).toEqual({ page, id, query, add });
});

test("what is written is read", () => {
  expect(parse(href.search("50% & <b>?")).query).toBe("50% & <b>?");
  expect(parse(href.watch("a/b?c#d")).id).toBe("a/b?c#d");
  expect(parse(href.add).add).toBe(true);
});
