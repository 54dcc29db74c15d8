// The viewer page: beside a node's web server its video is told in the page, on a web host of its
// own it is the magnet link behind the #.

import "./viewer.css";
import { mount } from "svelte";
import { readHash } from "./magnet";
import { Showing } from "./showing.svelte";
import type { PageVideo } from "./types";
import Refused from "./Refused.svelte";
import Viewer from "./Viewer.svelte";

const here = new URL(".", import.meta.url);

function begin(): void {
  const target = document.getElementById("viewer");
  if (!target) return;
  const told = document.getElementById("video");
  if (told) return show(target, JSON.parse(told.textContent ?? "") as PageVideo, new URL("..", here), true);
  addEventListener("hashchange", () => location.reload());
  try {
    show(target, ofMagnet(), new URL(".", document.baseURI), false);
  } catch (error) {
    mount(Refused, { target, props: { reason: location.hash.length > 1 ? (error as Error).message : "" } });
  }
}

function show(target: HTMLElement, video: PageVideo, scope: URL, server: boolean): void {
  const showing = new Showing(video, { worker: new URL("sw.js", here), scope }, server);
  const plain = target.querySelector("video");
  const at = plain?.currentTime ?? 0;
  const playing = !!plain && !plain.paused;
  plain?.removeAttribute("src");
  plain?.load();
  target.replaceChildren();
  mount(Viewer, { target, props: { showing, at, playing } });
}

/** Only the trackers of the link; STUN servers are what `p2ptube site` wrote into the page. */
function ofMagnet(): PageVideo {
  const magnet = readHash(location.hash);
  const stun = document.querySelector<HTMLMetaElement>('meta[name="p2ptube-stun"]')?.content ?? "";
  const plain = { title: magnet.name, description: "", duration: 0, width: 0, height: 0, size: 0, file_name: magnet.name };
  const link = `magnet:?xt=urn:btih:${magnet.infoHash}`;
  return {
    ...plain,
    id: magnet.infoHash,
    mime: "",
    publisher: "",
    published_at: 0,
    magnet: link,
    trackers: magnet.trackers,
    torrent: "",
    stream: `stream/${magnet.infoHash}`,
    poster: "",
    ice: stun.split(/\s+/).filter(Boolean),
    embed: false,
    page: location.href,
  };
}

begin();
