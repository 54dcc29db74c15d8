// Where the video lies in its torrent, and which piece is which bytes. Pure, but for the hash.

import { decode, Dictionary, MalformedTorrent, type Bencoded } from "./bencode";

/** Offsets and lengths in bytes. The video is [offset, offset + length) of the torrent. */
export interface Layout {
  infoHash: string;
  fileName: string;
  pieceLength: number;
  /** The SHA-1 of each piece, 20 bytes each. */
  hashes: Uint8Array;
  total: number;
  offset: number;
  length: number;
}

export interface Torrent {
  /** The exact bytes of the info dictionary. */
  info: Uint8Array<ArrayBuffer>;
  layout: Layout;
}

const HASH = 20;
const MOST_PIECE = 64 * 1024 * 1024;
const VIDEO = /\.(mp4|m4v|webm|mov|mkv|ogv|avi|mpe?g|ts|3gp)$/i;
const text = new TextDecoder();

/** Reads a .torrent file. Throws MalformedTorrent. */
export async function readTorrent(data: Uint8Array): Promise<Torrent> {
  const top = decode(data);
  const span = top instanceof Dictionary ? top.spans.get("info") : undefined;
  const value = top instanceof Dictionary ? top.entries.get("info") : undefined;
  if (!span || !(value instanceof Dictionary)) throw new MalformedTorrent("no torrent");
  const info = data.slice(...span);
  return { info, layout: { ...layoutOf(value.entries), infoHash: hex(await sha1(info)) } };
}

function layoutOf(info: Map<string, Bencoded>): Omit<Layout, "infoHash"> {
  const pieceLength = natural(info.get("piece length"));
  const hashes = bytesOf(info.get("pieces"));
  const files = filesOf(info);
  const total = files.reduce((sum, file) => sum + file.length, 0);
  if (pieceLength === 0 || pieceLength > MOST_PIECE) throw new MalformedTorrent("a piece length that nobody uses");
  if (total === 0 || hashes.length !== Math.ceil(total / pieceLength) * HASH) {
    throw new MalformedTorrent("as many hashes as pieces are needed");
  }
  const videos = files.filter((file) => VIDEO.test(file.name));
  const video = largest(videos.length > 0 ? videos : files);
  return { fileName: video.name, pieceLength, hashes, total, offset: video.offset, length: video.length };
}

interface File {
  name: string;
  offset: number;
  length: number;
}

function filesOf(info: Map<string, Bencoded>): File[] {
  const name = text.decode(bytesOf(info.get("name")));
  const listed = info.get("files");
  if (listed === undefined) return [{ name, offset: 0, length: natural(info.get("length")) }];
  if (!Array.isArray(listed)) throw new MalformedTorrent("its files are not a list");
  let offset = 0;
  return listed.map((entry) => {
    const file = entry instanceof Dictionary ? entry.entries : new Map<string, Bencoded>();
    const path = file.get("path");
    const length = natural(file.get("length"));
    offset += length;
    return { name: text.decode(bytesOf(Array.isArray(path) ? path.at(-1) : undefined)), offset: offset - length, length };
  });
}

const largest = (files: File[]): File => files.reduce((best, file) => (file.length > best.length ? file : best));

function natural(value: Bencoded | undefined): number {
  if (typeof value !== "number" || value < 0) throw new MalformedTorrent("a number is missing");
  return value;
}

function bytesOf(value: Bencoded | undefined): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new MalformedTorrent("a text is missing");
  return value;
}

export const sha1 = async (data: Uint8Array<ArrayBuffer>): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest("SHA-1", data));

export const hex = (data: Uint8Array): string => [...data].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export const pieceCount = (layout: Layout): number => Math.ceil(layout.total / layout.pieceLength);

/** The bytes [start, end) of the torrent that are a piece. */
export function pieceSpan(layout: Layout, index: number): [start: number, end: number] {
  const start = index * layout.pieceLength;
  return [start, Math.min(start + layout.pieceLength, layout.total)];
}

/** Its bytes [start, end) that belong to the video. */
export function videoSpan(layout: Layout, index: number): [start: number, end: number] {
  const [start, end] = pieceSpan(layout, index);
  return [Math.max(start, layout.offset), Math.min(end, layout.offset + layout.length)];
}

/** The pieces [first, end) that hold bytes of the video. */
export function videoPieces(layout: Layout): [first: number, end: number] {
  return [Math.floor(layout.offset / layout.pieceLength), Math.ceil((layout.offset + layout.length) / layout.pieceLength)];
}

/** Whether a piece is what its hash says. */
export async function isGenuine(layout: Layout, index: number, data: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const expected = layout.hashes.subarray(index * HASH, (index + 1) * HASH);
  const actual = await sha1(data);
  return expected.length === HASH && actual.every((byte, i) => byte === expected[i]);
}
