// Torrents of several files: which of them can be played, in which order, and what the player shows of one.

import type { Swarm, TorrentFile, Video } from "../types";

const inNameOrder = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/**
 * What there is to choose from, in the order of the names (2 before 10): the videos, or the sound
 * where there is none; and what was chosen, whatever it is. Nothing where there is no choice.
 */
export function playable(files: readonly TorrentFile[], chosen: number | null): TorrentFile[] {
  const kind = files.some((file) => file.kind === "video" && file.size > 0) ? "video" : "audio";
  const found = files.filter((file) => (file.kind === kind && file.size > 0) || file.index === chosen);
  if (found.length < 2) return [];
  return found.sort((a, b) => inNameOrder.compare(a.path, b.path) || a.index - b.index);
}

const folders = (file: TorrentFile): string[] => file.path.split("/").slice(0, -1);

/** The folders of each file but for those that all of them are in, to be read; by index. */
export function foldersOf(files: readonly TorrentFile[]): Map<number, string> {
  const [first, ...others] = files.map(folders);
  let shared = 0;
  while (first && shared < first.length && others.every((path) => path[shared] === first[shared])) shared += 1;
  return new Map(files.map((file) => [file.index, folders(file).slice(shared).join(" / ")]));
}

/** The one so many places behind the chosen one. */
export function neighbour(files: readonly TorrentFile[], chosen: number | null, by: 1 | -1): TorrentFile | undefined {
  const at = files.findIndex((file) => file.index === chosen);
  return at < 0 ? undefined : files[at + by];
}

/**
 * Under what the browser remembers a place: each file has one of its own. Nothing as long as it is not
 * known which file of a stranger's torrent it is.
 */
export function placeOf({ id, publisher }: Pick<Video, "id" | "publisher">, file: number | null): string | undefined {
  if (file) return `${id}/${file}`;
  return file === 0 || publisher.key ? id : undefined;
}

/** Counts the files that a player showed one after the other; that it becomes known which, is no other one. */
export class Turns {
  private file: number | null = null;
  private turn = 0;

  take(file: number | null): number {
    if (file === null) return this.turn;
    if (this.file !== null && this.file !== file) this.turn += 1;
    this.file = file;
    return this.turn;
  }
}

/** The swarm as if the torrent had nothing but the pieces of the video, which begins in the first of them. */
export function cutTo(swarm: Swarm, size: number): Swarm {
  const { piece_length: length, offset } = swarm;
  if (!length || !swarm.pieces) return swarm;
  const first = Math.floor(offset / length);
  const end = Math.max(first + 1, Math.ceil((offset + size) / length));
  if (first === 0 && end >= swarm.pieces.length) return swarm;
  const lead = offset - first * length;
  return {
    ...swarm,
    offset: lead,
    pieces: swarm.pieces.slice(first, end),
    available: swarm.available.slice(first, end),
    sources: swarm.sources.slice(first, end),
  };
}

/** Where the video lies in the pieces of its swarm, in pieces; see `runs`. */
export function spanOf(swarm: Swarm | undefined, video: Pick<Video, "size">): { from: number; length: number } | undefined {
  if (!swarm?.piece_length || !video.size) return undefined;
  return { from: swarm.offset / swarm.piece_length, length: video.size / swarm.piece_length };
}
