import { describe, expect, it } from "vitest";
import { decode, Dictionary, MalformedTorrent } from "./bencode";
import { hex, isGenuine, pieceSpan, readTorrent, sha1, videoPieces, videoSpan } from "./layout";

const bytes = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const torrent = (info: string) => bytes(`d8:announce3:x:y4:info${info}e`);
const hashes = (count: number) => `6:pieces${20 * count}:${"h".repeat(20 * count)}`;

describe("torrents", () => {
  it("of one file", async () => {
    const info = `d6:lengthi250e4:name5:a.mp412:piece lengthi100e${hashes(3)}e`;
    const { layout, info: exact } = await readTorrent(torrent(info));
    expect(layout).toMatchObject({ fileName: "a.mp4", pieceLength: 100, total: 250, offset: 0, length: 250 });
    expect(layout.infoHash).toBe(hex(await sha1(bytes(info) as Uint8Array<ArrayBuffer>)));
    expect(new TextDecoder().decode(exact)).toBe(info);
    expect(pieceSpan(layout, 2)).toEqual([200, 250]);
    expect(videoPieces(layout)).toEqual([0, 3]);
  });

  it("of several: the largest video is played", async () => {
    const file = (name: string, length: number) => `d6:lengthi${length}e4:pathl${name.length}:${name}ee`;
    const files = `l${file("big.iso", 500)}${file("b.mkv", 120)}${file("c.mp4", 80)}e`;
    const { layout } = await readTorrent(torrent(`d5:files${files}4:name1:d12:piece lengthi100e${hashes(7)}e`));
    expect(layout).toMatchObject({ fileName: "b.mkv", total: 700, offset: 500, length: 120 });
    expect(videoPieces(layout)).toEqual([5, 7]);
    expect(videoSpan(layout, 6)).toEqual([600, 620]);
  });

  it.each([
    "",
    "i1e",
    "de",
    "d4:infoi1ee",
    "d4:infod4:name1:aee",
    `d4:infod6:lengthi250e4:name1:a12:piece lengthi100e${hashes(2)}ee`,
    `d4:infod6:lengthi0e4:name1:a12:piece lengthi100e6:pieces0:ee`,
    `d4:infod6:lengthi-5e4:name1:a12:piece lengthi100e${hashes(1)}ee`,
    `d4:infod5:filesl1:xe4:name1:a12:piece lengthi100e${hashes(1)}ee`,
    "l".repeat(100_000),
    "99999999999999999999:x",
    "d3:abc",
  ])("that are none are refused: %.40s", async (text) => {
    await expect(readTorrent(bytes(text))).rejects.toThrow(MalformedTorrent);
  });

  it("never fail otherwise, whatever is changed in them", async () => {
    const good = torrent(`d6:lengthi250e4:name5:a.mp412:piece lengthi100e${hashes(3)}e`);
    for (let i = 0; i < good.length; i += 1) {
      for (const value of [0, 0x30, 0x39, 0x65, 0x6c, 0xff]) {
        const changed = good.slice();
        changed[i] = value;
        await readTorrent(changed).catch((error: unknown) => expect(error).toBeInstanceOf(MalformedTorrent));
      }
    }
  });

  it("are decoded with where their values lie", () => {
    const top = decode(bytes("d1:ai42e1:bl1:xee"));
    expect(top).toBeInstanceOf(Dictionary);
    expect((top as Dictionary).spans.get("b")).toEqual([11, 16]);
  });
});

describe("pieces", () => {
  it("are genuine if their hash is right", async () => {
    const data = bytes("some bytes") as Uint8Array<ArrayBuffer>;
    const layout = { infoHash: "", fileName: "", pieceLength: 10, total: 10, offset: 0, length: 10, hashes: await sha1(data) };
    expect(await isGenuine(layout, 0, data)).toBe(true);
    expect(await isGenuine(layout, 0, bytes("more bytes") as Uint8Array<ArrayBuffer>)).toBe(false);
    expect(await isGenuine(layout, 1, data)).toBe(false);
  });
});
