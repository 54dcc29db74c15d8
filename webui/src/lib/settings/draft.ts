// The settings as the form holds them: texts, as typed, and what they mean. Pure.

import type { Settings } from "../types";

export type Unit = "kB/s" | "MB/s";
export const FACTORS: Record<Unit, number> = { "kB/s": 1000, "MB/s": 1_000_000 };

export interface Limit {
  limited: boolean;
  /** As typed. */
  amount: string;
  unit: Unit;
}

export interface Draft {
  name: string;
  port: string;
  swarm_port: string;
  web_port: string;
  /** Whether strangers' browsers may come to us at all. */
  public: boolean;
  public_port: string;
  public_url: string;
  max_peers: string;
  tracker: string[];
  dht: boolean;
  lan: boolean;
  upload_limit: Limit;
  download_limit: Limit;
  limit_lan: boolean;
  yielding: boolean;
  /** As typed, a line each. */
  schedule: string;
  keep: boolean;
  /** In MB, as typed. */
  play_window: string;
  prefetch: boolean;
  /** Addresses and networks, as typed: parted by commas or spaces. */
  blocked: string;
  connections_per_address: string;
  stun_server: string;
  proxy: string;
  anonymous: boolean;
}

export type Field = keyof Settings;
/** What is wrong, in words, by setting; of a tracker by `tracker.INDEX`. */
export type Problems = Record<string, string>;

/** What the inputs of all settings have in common. */
export interface FieldProps {
  id: string;
  problem: string | undefined;
  restart: boolean;
  fixed: boolean;
  edited: () => void;
}

export const LABELS: Record<Field, string> = {
  name: "Name",
  port: "Overlay port",
  swarm_port: "Swarm port",
  web_port: "Web port",
  public_port: "Public port",
  public_url: "Public address",
  max_peers: "Most peers",
  tracker: "Trackers",
  dht: "DHT",
  lan: "Local network",
  upload_limit: "Upload limit",
  download_limit: "Download limit",
  limit_lan: "Limits in the local network",
  yielding: "Make way for other traffic",
  schedule: "Limits by schedule",
  keep: "Keep what is played",
  play_window: "Space for a video that is not kept",
  prefetch: "Fetch beginnings ahead",
  blocked: "Blocked addresses",
  connections_per_address: "Connections per address",
  stun_server: "STUN server",
  proxy: "Proxy",
  anonymous: "Anonymous",
};

/** Said of a setting that cannot be changed here. */
export const FIXED_HINT = "Decided by a flag or an environment variable of this run. Start the node without it to change it here.";

const PUBLIC_PORT = "5681";
const LONGEST_NAME = 100;
const MOST_PEERS = 10_000;
const ORIGIN = /^https?:\/\/(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;
const MOST_CONNECTIONS = 10_000;
const MEGABYTE = 1_000_000;
const [LEAST_WINDOW, MOST_WINDOW] = [16, 1_000_000];
const MOST_SCHEDULED = 50;
const SCHEDULED = /^(?:[a-z,-]+ )?\d{1,2}:\d{2}-\d{1,2}:\d{2}(?: (?:up|down)=[0-9a-z./]+){1,2}$/i;
const ADDRESS = /^[0-9a-f:.]+(?:\/\d{1,3})?$/i;
const STUN = /^(?:stun:)?(?:[a-z0-9_.-]+|\[[0-9a-f:]+\]):\d{1,5}$/i;
const PROXY = /^(?:socks5|http):\/\/(?:[^\s/?#@]+@)?(?:[a-z0-9_.-]+|\[[0-9a-f:]+\]):\d{1,5}\/?$/i;
const TRACKER = /^(udp|https?|wss?):\/\/[^\s/?#]+/i;

function limitOf(rate: number): Limit {
  if (rate <= 0) return { limited: false, amount: "", unit: "MB/s" };
  const unit: Unit = rate >= FACTORS["MB/s"] ? "MB/s" : "kB/s";
  return { limited: true, amount: String(rate / FACTORS[unit]), unit };
}

export function draftOf(settings: Settings): Draft {
  return {
    name: settings.name,
    port: String(settings.port),
    swarm_port: String(settings.swarm_port),
    web_port: String(settings.web_port),
    public: settings.public_port !== null,
    public_port: String(settings.public_port ?? PUBLIC_PORT),
    public_url: settings.public_url,
    max_peers: String(settings.max_peers),
    tracker: [...settings.tracker],
    dht: settings.dht,
    lan: settings.lan,
    upload_limit: limitOf(settings.upload_limit),
    download_limit: limitOf(settings.download_limit),
    limit_lan: settings.limit_lan,
    yielding: settings.yielding,
    schedule: settings.schedule.join("\n"),
    keep: settings.keep,
    play_window: String(settings.play_window / MEGABYTE),
    prefetch: settings.prefetch,
    blocked: settings.blocked.join(", "),
    connections_per_address: String(settings.connections_per_address),
    stun_server: settings.stun_server,
    proxy: settings.proxy,
    anonymous: settings.anonymous,
  };
}

function whole(text: string, least: number, most: number): number | undefined {
  const value = /^\d+$/.test(text.trim()) ? Number(text) : NaN;
  return value >= least && value <= most ? value : undefined;
}

/** "1.5" and "1,5" alike; undefined unless it is a number above 0. */
function rateOf(limit: Limit): number | undefined {
  if (!limit.limited) return 0;
  const amount = Number(limit.amount.trim().replace(",", ".") || NaN);
  const rate = Math.round(amount * FACTORS[limit.unit]);
  return rate >= 1 && Number.isSafeInteger(rate) ? rate : undefined;
}

/** In bytes; fractions of a megabyte, which the file may have, stay as they are. */
function windowOf(draft: Draft, problems: Problems): number {
  const megabytes = Number(draft.play_window.trim().replace(",", ".") || NaN);
  if (megabytes >= LEAST_WINDOW && megabytes <= MOST_WINDOW) return Math.round(megabytes * MEGABYTE);
  problems.play_window = `A number from ${LEAST_WINDOW} to ${MOST_WINDOW}.`;
  return 0;
}

/** Spaces and empty lines apart, as typed: the node knows the days and the units. */
function scheduleOf(draft: Draft, problems: Problems): string[] {
  const lines = draft.schedule.split("\n").map((line) => line.trim().replace(/\s+/g, " ")).filter(Boolean);
  const odd = lines.find((line) => !SCHEDULED.test(line));
  if (odd !== undefined) problems.schedule = `Not like mon-fri 08:00-18:00 up=1MB/s down=unlimited: ${odd}`;
  else if (lines.length > MOST_SCHEDULED) problems.schedule = `At most ${MOST_SCHEDULED} lines.`;
  return lines;
}

const PORTS = ["port", "swarm_port", "web_port", "public_port"] as const;

function checkPorts(draft: Draft, problems: Problems): void {
  const taken = new Map<number, string>();
  for (const field of PORTS) {
    if (field === "public_port" && !draft.public) continue;
    const port = whole(draft[field], 0, 65535);
    if (port === undefined) problems[field] = "A port is a whole number from 0 to 65535; 0 takes any free one.";
    else if (port > 0 && taken.has(port)) problems[field] = `This is already the ${taken.get(port)}.`;
    else taken.set(port, LABELS[field].toLowerCase());
  }
}

type Privacy = Pick<Settings, "blocked" | "connections_per_address" | "stun_server" | "proxy" | "anonymous">;

function privacyOf(draft: Draft, problems: Problems): Privacy {
  const blocked = draft.blocked.split(/[\s,;]+/).filter(Boolean);
  const odd = blocked.find((address) => !ADDRESS.test(address));
  if (odd !== undefined) problems.blocked = `Not an address or a network: ${odd}`;
  const most = whole(draft.connections_per_address, 1, MOST_CONNECTIONS);
  if (most === undefined) problems.connections_per_address = `A whole number from 1 to ${MOST_CONNECTIONS}.`;
  const [stun_server, proxy] = [draft.stun_server.trim(), draft.proxy.trim()];
  if (stun_server && !STUN.test(stun_server)) problems.stun_server = "A name and a port, like stun.example.org:3478.";
  if (proxy && !PROXY.test(proxy)) problems.proxy = "An address like socks5://127.0.0.1:9050 or http://name:password@host:8080.";
  return { blocked, connections_per_address: most ?? 0, stun_server, proxy, anonymous: draft.anonymous };
}

/** What the draft means, and what is wrong with it: settings with a problem are not in `settings`. */
export function parse(draft: Draft): { settings: Partial<Settings>; problems: Problems } {
  const problems: Problems = {};
  const name = draft.name.trim();
  if (!name) problems.name = "A name is needed: others see it beside your videos.";
  else if (name.length > LONGEST_NAME) problems.name = `At most ${LONGEST_NAME} characters.`;
  checkPorts(draft, problems);
  const max_peers = whole(draft.max_peers, 1, MOST_PEERS);
  if (max_peers === undefined) problems.max_peers = `A whole number from 1 to ${MOST_PEERS}.`;
  const [upload_limit, download_limit] = [rateOf(draft.upload_limit), rateOf(draft.download_limit)];
  for (const [field, rate] of Object.entries({ upload_limit, download_limit })) {
    if (rate === undefined) problems[field] = "A number above 0, or choose unlimited.";
  }
  const tracker = draft.tracker.map((url) => url.trim()).filter(Boolean);
  draft.tracker.forEach((url, index) => {
    if (url.trim() && !TRACKER.test(url.trim())) {
      problems[`tracker.${index}`] = "An address that begins with udp://, http://, https://, ws:// or wss://.";
    }
  });
  const public_url = draft.public_url.trim().replace(/\/$/, "");
  if (draft.public && public_url && !ORIGIN.test(public_url)) problems.public_url = "An address like https://tube.example, with nothing behind the name and port.";
  const privacy = privacyOf(draft, problems);
  const settings: Settings = {
    name,
    port: Number(draft.port),
    swarm_port: Number(draft.swarm_port),
    web_port: Number(draft.web_port),
    public_port: draft.public ? Number(draft.public_port) : null,
    // Nobody sees the field while the port is off: what is wrong in it must not be in the way.
    public_url: draft.public || ORIGIN.test(public_url) ? public_url : "",
    max_peers: max_peers ?? 0,
    tracker,
    dht: draft.dht,
    lan: draft.lan,
    upload_limit: upload_limit ?? 0,
    download_limit: download_limit ?? 0,
    limit_lan: draft.limit_lan,
    yielding: draft.yielding,
    schedule: scheduleOf(draft, problems),
    keep: draft.keep,
    play_window: windowOf(draft, problems),
    prefetch: draft.prefetch,
    ...privacy,
  };
  const sound = Object.entries(settings).filter(([field]) => !Object.keys(problems).some((p) => settingOf(p) === field));
  return { settings: Object.fromEntries(sound) as Partial<Settings>, problems };
}

/** "tracker.2" -> "tracker" */
export const settingOf = (problem: string): string => problem.split(".", 1)[0] ?? problem;

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** The settings that the draft sets to something else than what is saved. */
export function changes(draft: Draft, saved: Settings): Partial<Settings> {
  const { settings } = parse(draft);
  const changed = Object.entries(settings).filter(([field, value]) => !same(value, saved[field as Field]));
  return Object.fromEntries(changed) as Partial<Settings>;
}

/** Whether the user has typed anything that is not saved, sound or not. */
export function touched(draft: Draft, saved: Settings): boolean {
  return Object.keys(changes(draft, saved)).length > 0 || Object.keys(parse(draft).problems).length > 0;
}

/** The draft over newly loaded settings: what the user has changed stays, the rest follows. */
export function rebased(draft: Draft, before: Settings, after: Settings): Draft {
  const [old, fresh] = [draftOf(before), draftOf(after)];
  const kept = Object.entries(draft).filter(([key, value]) => !same(value, old[key as keyof Draft]));
  return { ...fresh, ...(Object.fromEntries(kept) as Partial<Draft>) };
}

/** The node names the setting that it refuses ("setting port: ..."): its words belong beside the field. */
export function problemsOf(message: string): Problems {
  const [, field, words] = /^setting (\w+)(?:\.\d+)*: (.+)$/s.exec(message) ?? [];
  return field && words && field in LABELS ? { [field]: words } : { "": message };
}
