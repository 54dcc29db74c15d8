import { expect, test } from "vitest";
import { languageName, languages } from "./languages";

test("names of languages, and of none", () => {
  expect(languageName("de")).toBe("German");
  expect(languageName("not a tag!")).toBe("not a tag!");
});

test("one that is set already can stay", () => {
  expect(languages("").map(([tag]) => tag)).not.toContain("tlh");
  expect(languages("tlh").map(([tag]) => tag)).toContain("tlh");
  expect(languages("de").filter(([tag]) => tag === "de")).toHaveLength(1);
});
