// The links by which people without p2ptube watch a video of this node in their browser. Pure.

import type { Video } from "./types";

const PLAIN = { width: 640, height: 360 };
const WIDEST = 1280;

/** Where this node shows the video to anyone, "" where it does not. */
export function watchLink(publicUrl: string, video: Pick<Video, "id" | "state" | "visibility">): string {
  const shown = (video.state === "complete" || video.state === "fetching") && video.visibility !== "private";
  return publicUrl && shown ? `${publicUrl}/watch/${video.id}` : "";
}

/** What to put into another web page, so that it shows the video. */
export function embedCode(publicUrl: string, video: Pick<Video, "id" | "title" | "width" | "height">): string {
  const { width, height } = video.width && video.height ? video : PLAIN;
  const scale = Math.min(1, WIDEST / width);
  const [w, h] = [width, height].map((side) => Math.max(1, Math.floor(side * scale)));
  const src = escaped(`${publicUrl}/embed/${video.id}`);
  return (
    `<iframe src="${src}" width="${w}" height="${h}" title="${escaped(video.title)}" ` +
    `allow="autoplay; picture-in-picture" allowfullscreen frameborder="0" loading="lazy"></iframe>`
  );
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;" };

const escaped = (text: string): string => text.replace(/[&<>"']/g, (letter) => ENTITIES[letter] ?? letter);
