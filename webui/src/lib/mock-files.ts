// A stranger's torrent for the mock: a short series, with subtitles and extras.

import { makeVideo, NOW, seeded, type Random } from "./mock-data";
import type { Peer, TorrentFile, Video } from "./types";

const FOLDER = "Tide.Pools.S01";
const EPISODES = 11;
const CAPTIONS = ["en", "fr"];

function file(random: Random, path: string, more: Partial<TorrentFile>): Omit<TorrentFile, "index"> {
  const name = path.replace(/^.*\//, "").replace(/\.\w+$/, "");
  const size = Math.round(60e6 + random() * 90e6);
  return { path: `${FOLDER}/${path}`, size, kind: "video", language: "", chosen: false, title: name.replaceAll(".", " "), progress: 0, ...more };
}

export function makeFiles(random: Random): TorrentFile[] {
  const numbers = Array.from({ length: EPISODES }, (_, n) => `E${n + 1}`);
  return [
    file(random, "Extras/Bloopers.avi", {}),
    ...numbers.map((number, n) => file(random, `Tide.Pools.S01${number}.mkv`, { progress: n === 0 ? 1 : n === 1 ? 0.37 : 0 })),
    ...numbers.map((number) => file(random, `Subs/Tide.Pools.S01${number}.en.srt`, { kind: "subtitles", size: 41_000, language: "en" })),
    file(random, "readme.txt", { kind: "other", size: 900 }),
  ].map((each, index) => ({ ...each, index }));
}

/** What the record of the torrent says once this file of it is chosen. */
export function chosenFields(files: readonly TorrentFile[], chosen: TorrentFile): Partial<Video> {
  const complete = chosen.progress >= 1;
  return {
    file: chosen.index,
    title: chosen.title,
    file_name: chosen.path.replace(/^.*\//, ""),
    size: chosen.size,
    state: complete ? "complete" : "fetching",
    progress: chosen.progress,
    captions: CAPTIONS.slice(0, files.indexOf(chosen) % 3),
    detail: "",
  };
}

/** The series as it stands in the library: the second episode is on its way. */
export function makeSeries(peers: Peer[]): { video: Video; files: TorrentFile[] } {
  const random = seeded(23);
  const files = makeFiles(random);
  const chosen = files.find((each) => each.progress > 0 && each.progress < 1)!;
  const video = makeVideo(random, chosen.title, 1, peers);
  const added = NOW() - 40 * 86_400;
  const own = { publisher: { key: "", name: "" }, description: "", sha256: "", published_at: 0, added_at: added, keep: true };
  return { video: { ...video, ...own, ...chosenFields(files, chosen), duration: 1_420, path: `/home/me/.local/share/p2ptube/videos/${video.id}/${chosen.path}` }, files };
}
