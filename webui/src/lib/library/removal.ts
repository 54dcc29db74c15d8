// What deleting does, said precisely before it is done. The node's rules: a file that is shared
// in place is the user's own and stays unless named; a complete copy of the node's either goes too
// or is put into its `kept` folder; what is not whole goes in any case.

import { bytes, count } from "../format";
import type { Video } from "../types";

export type Fate = "own" | "copy" | "partial";

export const fateOf = (video: Video): Fate =>
  video.in_place ? "own" : video.state === "complete" ? "copy" : "partial";

export interface Removal {
  own: Video[];
  copies: Video[];
  partial: Video[];
}

export const removalOf = (videos: Video[]): Removal => ({
  own: videos.filter((video) => fateOf(video) === "own"),
  copies: videos.filter((video) => fateOf(video) === "copy"),
  partial: videos.filter((video) => fateOf(video) === "partial"),
});

/** Whether there is a choice at all between the listing and the file. */
export const hasChoice = (removal: Removal): boolean => removal.own.length + removal.copies.length > 0;

const sizeOf = (videos: Video[]): number => videos.reduce((sum, video) => sum + video.size * video.progress, 0);
const total = (videos: Video[]): string => bytes(sizeOf(videos));

export const keptFolder = (dataDir: string): string => `${dataDir || "the data folder"}/kept`;

const fileName = (video: Video): string => video.path?.split(/[\\/]/).at(-1) || video.file_name;

/** Sentences for what happens when only the listing goes. */
export function listingOnly(removal: Removal, dataDir: string): string[] {
  const { own, copies } = removal;
  const said: string[] = [];
  const [first] = own;
  if (own.length === 1 && first) said.push(`Your file stays where it is: ${first.path ?? first.file_name}`);
  else if (own.length) said.push(`Your ${own.length} own files stay where they are.`);
  const [copy] = copies;
  if (copies.length === 1 && copy) said.push(`The file moves to ${keptFolder(dataDir)}/${fileName(copy)}`);
  else if (copies.length) said.push(`The ${copies.length} files move to ${keptFolder(dataDir)}`);
  return said;
}

/** Sentences for what happens when the files go too. */
export function filesToo(removal: Removal): string[] {
  const { own, copies } = removal;
  const said: string[] = [];
  const [first] = own;
  if (own.length === 1 && first) said.push(`Your own file is deleted from the disk: ${first.path ?? first.file_name}`);
  else if (own.length) said.push(`Your ${own.length} own files, listed below, are deleted from the disk.`);
  if (copies.length) {
    said.push(`${copies.length === 1 ? "The copy" : `${copies.length} copies`} of p2ptube ${copies.length === 1 ? "is" : "are"} deleted: ${total(copies)} become free.`);
  }
  return said;
}

/** What happens to videos that are not whole, whatever is chosen. */
export function partialSaid(removal: Removal): string {
  const { partial } = removal;
  if (partial.length === 0) return "";
  return partial.length === 1
    ? `What was fetched of it so far (${total(partial)}) is deleted.`
    : `What was fetched so far of ${partial.length} unfinished videos (${total(partial)}) is deleted.`;
}

/** Whether it can be had again. */
export function comeback(videos: Video[]): string {
  const lost = videos.filter((video) => video.holders.length === 0).length;
  if (lost === 0) {
    const [video] = videos;
    return videos.length === 1 && video
      ? `${count(video.holders.length, "other peer has", "other peers have")} it: while they do, it can be fetched again.`
      : "Other peers have them: while they do, they can be fetched again.";
  }
  return videos.length === 1
    ? "No other peer is known to have it: it leaves the network."
    : `No other peer is known to have ${lost === videos.length ? "them" : `${lost} of them`}: ${lost === 1 ? "it leaves" : "they leave"} the network.`;
}

/** To free space is the usual reason for a copy to go; a file of the user's own is never the default. */
export const defaultDeletesFile = (removal: Removal): boolean => removal.own.length === 0;
