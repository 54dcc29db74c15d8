import { expect, test } from "vitest";
import { qrDrawing } from "./qr";

test("a code is square, with its quiet zone", () => {
  const drawing = qrDrawing("192.168.1.20:5678");
  expect(drawing?.size).toBe(21 + 8);
  // The finder pattern's upper edge: seven dark modules, four from the left and from the top.
  expect(drawing?.path.startsWith("M4 4h7v1h-7z")).toBe(true);
});

test("a longer text makes a larger code", () => {
  expect(qrDrawing("magnet:?xt=urn:btih:".padEnd(400, "a"))!.size).toBeGreaterThan(50);
});

test("a text beyond any code makes none", () => {
  expect(qrDrawing("x".repeat(5000))).toBeUndefined();
});
