import { describe, expect, it } from "vitest";
import { BadMagnet, readHash } from "./magnet";

const HASH = "0123456789abcdef0123456789abcdef01234567";
const WS = "tr=wss%3A%2F%2Ftracker.example%2Fannounce";

describe("magnet links", () => {
  it("are read with the trackers that a browser reaches", () => {
    const link = `#magnet:?xt=urn:btih:${HASH.toUpperCase()}&dn=A%20film&tr=udp%3A%2F%2Fx%3A1&${WS}&${WS}&tr=nonsense`;
    expect(readHash(link)).toEqual({ infoHash: HASH, name: "A film", trackers: ["wss://tracker.example/announce"] });
  });

  it("may be encoded as a whole, and name their video in base32", () => {
    const base32 = "AERUKZ4JVPG66AJDIVTYTK6N54ASGRLH";
    expect(readHash(`#${encodeURIComponent(`magnet:?xt=urn:btih:${base32}&${WS}`)}`).infoHash).toBe(HASH);
  });

  it.each(["", "#", "#x", "#magnet:?dn=x", `#magnet:?xt=urn:btih:${HASH}`, `#magnet:?xt=urn:btmh:${HASH}&${WS}`, "#magnet%3A%"])(
    "that lack something are refused: %s",
    (hash) => expect(() => readHash(hash)).toThrow(BadMagnet),
  );
});
