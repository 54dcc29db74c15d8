// An invented network for the mock: what it is made of. The same every time, so that screenshots compare.

import type { Job, Peer, PeerGraph, Settings, Swarm, SwarmPeer, Tracker, Video, VideoState, Visibility } from "./types";

export type Random = () => number;

/** mulberry32: small, and the same sequence for the same seed. */
export function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export const between = (random: Random, low: number, high: number): number => low + random() * (high - low);
export const whole = (random: Random, low: number, high: number): number => Math.floor(between(random, low, high + 1));
export const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random() * items.length)]!;

export const hex = (random: Random, digits: number): string =>
  Array.from({ length: digits }, () => whole(random, 0, 15).toString(16)).join("");

const TITLES = [
  "Sunrise over the Allgäu, four hours",
  "How rainbows form",
  "Building a wooden kayak, part 3",
  "Grandma's bread, step by step",
  "The night sky from La Palma in real time",
  "Bicycle repair: true a wheel without a stand",
  "Concert in the old brewery",
  "What a hash table really does",
  "Cats against cucumbers, the documentary",
  "Train cab ride: Bergen to Oslo in winter",
  "Lecture 7: Distributed consensus",
  "Kite surfing at 40 knots",
  "Restoring a 1962 tape recorder",
  "Jam session, Tuesday",
  "Garden timelapse, March to October",
  "Learn to juggle in ten minutes",
  "Why bridges sing",
  "A walk through Kyoto in the rain",
  "Chess: the immortal game, explained",
  "Lego sorting machine, version 2",
  "Cold water swimming, first attempt",
  "Drone flight along the Elbe",
  "The history of the umbrella",
  "Street food in Oaxaca",
  "Soldering for beginners",
  "Village fête 2024",
  "Deep sea creatures, narrated softly",
  "Tiny house: the stairs that are drawers",
  "Piano: Satie, all Gymnopédies",
  "How to sharpen every knife",
  "Solar eclipse, four cameras",
  "Ice hockey final, highlights",
  "Knitting a hat in one evening",
  "Quantum tunnelling with marbles",
  "Camping in a storm",
  "The sound of forty owls",
  "Making paper from nettles",
  "Parkour in the empty mall",
  "Bees: a year in the hive",
  "Origami crane for impatient people",
  "Steam engine, first run after 30 years",
  "Kids' theatre: the lost sock",
  "Marathon in the mountains",
  "Old maps of our town",
  "Coffee, measured to death",
  "Singing glasses",
  "Holiday in Brittany, day 1",
  "Holiday in Brittany, day 2",
  "Interview with a lighthouse keeper",
  "Wind tunnel in the garage",
];
// What strangers may send: it must stay text, and stay in its box.
const NASTY = [
  "<img src=x onerror=alert(1)>",
  "Ten thousand characters ".repeat(420).slice(0, 10_000),
  "\u202Etxt.evitalumis lanoitcerid-ot-thgiR\u202C with override marks",
  "שלום עולם: סרטון מהחוף",
  "مرحبا بالعالم، رحلة إلى البحر",
  "Z\u0351\u0343\u0302a\u0300\u0301\u0302\u0303l\u0304\u0305\u0306g\u0307\u0308\u0309o\u030A\u030B\u030C climbs out of its line",
  "Supercalifragilistic".repeat(12),
  "</script><script>alert(1)</script>\u0000\u0007{{constructor}} ${1+1} %s",
  "👩‍🚀🚀 Emoji only 🪐✨👨‍👩‍👧‍👦",
  "",
];
const NAMES = ["Ada", "Boris", "Chen", "Dana", "Emre", "Fatou", "Grete", "Hugo", "Ines", "Jonas", "Kenji", "Lin", "Mara"];
const PLACES = ["kitchen", "attic", "nas", "laptop", "studio", "school", "workshop", "pi"];

export const NOW = (): number => Date.now() / 1000;

export const addressOf = (random: Random): string =>
  random() < 0.6 ? `192.168.${whole(random, 0, 3)}.${whole(random, 2, 250)}` : `203.0.113.${whole(random, 2, 250)}`;

export function makePeers(random: Random, count: number): Peer[] {
  return Array.from({ length: count }, (_, index) => {
    const kind = index === 3 ? "unknown" : index % 5 === 4 ? "classic" : "p2ptube";
    const host = index === 6 ? "2001:db8::7" : addressOf(random);
    const port = 5678 + index;
    const alive = index % 9 !== 7;
    return {
      id: host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`,
      host,
      port,
      kind,
      name: kind === "classic" ? "" : index === 5 ? NASTY[0]! : `${pick(random, NAMES)}'s ${pick(random, PLACES)}`,
      key: kind === "p2ptube" ? hex(random, 64) : "",
      swarm_port: kind === "p2ptube" ? 5679 : null,
      latency: alive ? between(random, 0.0004, 0.18) : null,
      last_seen: alive ? NOW() - between(random, 1, 40) : NOW() - between(random, 400, 90_000),
      alive,
    };
  });
}

export function makeGraph(random: Random, self: string, peers: Peer[]): PeerGraph {
  const links: [string, string][] = peers.map((peer) => [self, peer.id]);
  for (const peer of peers) {
    for (let n = whole(random, 1, 4); n > 0; n--) {
      const other = pick(random, peers);
      if (other.id !== peer.id) links.push([peer.id, other.id]);
    }
  }
  return {
    nodes: [
      { id: self, name: "My node", kind: "self", videos: 22 },
      ...peers.map(({ id, name, kind }) => ({ id, name, kind, videos: whole(random, 0, 30) })),
    ],
    links,
  };
}

function stateOf(index: number): VideoState {
  if (index === 4 || index === 13) return "error";
  if (index < 8) return index % 3 === 1 ? "fetching" : "complete";
  return index < 22 ? "complete" : "remote";
}

const DETAIL: Partial<Record<VideoState, string>> = {
  error: "The file at its path has changed since it was added. Add it again to share it.",
};

function sizes(random: Random): Pick<Video, "duration" | "size" | "width" | "height" | "bit_rate"> {
  const [width, height] = pick(random, [[1920, 1080], [1280, 720], [3840, 2160], [720, 1280], [640, 480]] as const);
  const duration = whole(random, 20, random() < 0.2 ? 14_400 : 1500);
  const bit_rate = Math.round((width * height * between(random, 0.9, 1.6)) / 1);
  return { width, height, duration, bit_rate, size: Math.round((duration * bit_rate) / 8) };
}

export function makeVideo(random: Random, title: string, index: number, peers: Peer[]): Video {
  const state = stateOf(index);
  const id = hex(random, 40);
  const here = state !== "remote";
  const mine = here && state !== "fetching" && index % 2 === 0;
  const fileName = `${title.replace(/[^\p{L}\p{N} ]/gu, "").slice(0, 60).trim() || "video"}.mp4`;
  const published = NOW() - 3600 * (index * index * 0.7 + between(random, 0.1, 3));
  const holders = state === "complete" && index % 7 === 0 ? 0 : whole(random, 1, state === "remote" ? 9 : 6);
  const visibility: Visibility = state === "complete" && index % 6 === 4 ? "private" : here && index % 6 === 2 ? "unlisted" : "public";
  const inPlace = mine && index % 4 === 0;
  return {
    id,
    title,
    description: index % 4 === 3 ? "" : `${title.slice(0, 2000)}\n\nFilmed with one camera. See https://example.org/${index} for more.\n${NASTY[0]}`,
    language: pick(random, ["en", "de", "fr", ""]),
    file_name: fileName,
    ...sizes(random),
    video_codec: "h264",
    audio_codec: "aac",
    sha256: hex(random, 64),
    state,
    progress: state === "complete" ? 1 : state === "fetching" ? between(random, 0.05, 0.7) : 0,
    detail: index === 7 ? "No holder can be reached at the moment." : (DETAIL[state] ?? ""),
    holders: peers.slice(index % 20, (index % 20) + holders).map((peer) => ({ peer: peer.id, swarm: [`${peer.host}:5679`] })),
    publisher: mine ? { key: "ab".repeat(32), name: "My node" } : { key: hex(random, 64), name: pick(random, NAMES) },
    published_at: published,
    added_at: here ? published + 60 : null,
    magnet: visibility === "private" ? "" : `magnet:?xt=urn:btih:${id}&dn=${encodeURIComponent(title.slice(0, 60))}`,
    mine,
    in_place: inPlace,
    keep: index !== 9,
    window: 0,
    path: here ? (inPlace ? `/home/me/Videos/${fileName}` : `/home/me/.local/share/p2ptube/videos/${id}/${fileName}`) : null,
    classic: state === "remote" && index % 11 === 5,
    file: null,
    captions: index % 3 === 0 ? ["en", "de"] : [],
    visibility,
    widest: mine || visibility !== "unlisted" ? "public" : "unlisted",
  };
}

export function makeVideos(random: Random, peers: Peer[]): Video[] {
  const titles = [...TITLES];
  NASTY.forEach((title, index) => titles.splice(2 + index * 5, 0, title));
  return titles.map((title, index) => makeVideo(random, title, index, peers));
}

export function pieceLengthOf(size: number): number {
  let length = 65_536;
  while (size / length > 1200) length *= 2;
  return length;
}

const CLIENTS = ["p2ptube 0.1", "p2ptube 0.1", "libtorrent 2.0.9", "qBittorrent 5.0", "WebTorrent 3", "Transmission 4.0"];

export function makeSwarmPeer(random: Random, seed: boolean): SwarmPeer {
  const client = pick(random, CLIENTS);
  const transport = client.startsWith("WebT") ? "webrtc" : random() < 0.2 ? "utp" : "tcp";
  return {
    address: `${addressOf(random)}:${whole(random, 1025, 65_000)}`,
    client,
    transport,
    progress: seed || random() < 0.4 ? 1 : between(random, 0.1, 0.9),
    download_rate: 0,
    upload_rate: 0,
    downloaded: 0,
    uploaded: 0,
    connected: true,
  };
}

export function makeSwarm(random: Random, video: Video): Swarm {
  const piece_length = pieceLengthOf(video.size);
  const count = Math.ceil(video.size / piece_length);
  const peers = Array.from({ length: video.state === "error" ? 0 : whole(random, 2, 9) }, (_, n) => makeSwarmPeer(random, n < 2));
  const have = (index: number) => video.state === "complete" || (video.state === "fetching" && index < count * video.progress);
  const sources = Array.from({ length: count }, (_, index) =>
    video.state === "fetching" && have(index) ? whole(random, 0, peers.length - 1) : -1,
  );
  for (const source of sources) if (source >= 0) peers[source]!.downloaded += piece_length;
  return {
    id: video.id,
    piece_length,
    offset: 0,
    pieces: Array.from({ length: count }, (_, index) => (have(index) ? "1" : "0")).join(""),
    available: video.state === "complete" ? "" : "1".repeat(count),
    sources,
    playheads: video.state === "fetching" ? [Math.floor(video.size * video.progress * 0.5)] : [],
    download_rate: 0,
    upload_rate: 0,
    downloaded: peers.reduce((sum, peer) => sum + peer.downloaded, 0),
    uploaded: 0,
    peers,
  };
}

export function makeJobs(random: Random, videos: Video[]): Job[] {
  const job = (label: string, more: Partial<Job>): Job => ({
    ...{ id: hex(random, 16), kind: "add", label, state: "running", stage: "", progress: 0, remaining: null, error: "", video: null },
    ...more,
  });
  return [
    job("Birthday party in the garden.mov", { stage: "transcode", progress: 0.31, remaining: 140 }),
    job("GOPR0042.mp4", { state: "queued" }),
    job("<b>notes</b>.txt", { state: "failed", stage: "probe", progress: 0.01, error: "This is not a video: no picture was found in it." }),
    job(videos[0]?.title ?? "video", { state: "done", progress: 1, video: videos[0]?.id ?? null }),
  ];
}

export const SETTINGS: Settings = {
  name: "My node",
  port: 5678,
  swarm_port: 5679,
  web_port: 5680,
  public_port: null,
  public_url: "",
  max_peers: 64,
  tracker: ["udp://tracker.example.org:6969/announce"],
  dht: true,
  lan: true,
  upload_limit: 0,
  download_limit: 0,
  limit_lan: false,
  yielding: true,
  schedule: ["mon-fri 08:00-18:00 up=500kB/s"],
  keep: true,
  play_window: 64_000_000,
  prefetch: true,
  blocked: [],
  connections_per_address: 50,
  stun_server: "",
  proxy: "",
  anonymous: false,
};

/** How a tracker stands: those of example.org work, others do not answer. */
export function trackerAt(url: string): Tracker {
  const works = url.includes("example.org");
  return {
    url,
    state: works ? "working" : "failing",
    error: works ? "" : "does not answer in time",
    own: false,
    answered_at: works ? Date.now() / 1000 : null,
    peers: works ? 23 : 0,
    index: works ? !url.startsWith("udp") : null,
    listed: works ? 3 : 0,
    refused: "",
  };
}

/** A poster as a picture in a URL: a landscape in colours that follow from the id. */
export function posterOf(id: string): string {
  const random = seeded(parseInt(id.slice(0, 7), 16) || 1);
  const hue = whole(random, 0, 359);
  const hill = (y: number, light: number) => {
    const [a, b, c] = [whole(random, -60, 60), whole(random, -60, 60), whole(random, -60, 60)];
    return `<path fill="hsl(${hue + 30} 35% ${light}%)" d="M0 ${y + a / 2} C160 ${y - 90 + b} 320 ${y + 60 + c} 640 ${y + a} V360 H0z"/>`;
  };
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 360"><defs><linearGradient id="s" x2="0" y2="1"><stop stop-color="hsl(${hue} 60% 45%)"/><stop offset="1" stop-color="hsl(${hue + 60} 70% 78%)"/></linearGradient></defs><rect width="640" height="360" fill="url(#s)"/><circle cx="${whole(random, 80, 560)}" cy="${whole(random, 50, 160)}" r="${whole(random, 18, 46)}" fill="hsl(${hue + 60} 90% 90%)"/>${hill(190, 48)}${hill(240, 34)}${hill(295, 20)}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
