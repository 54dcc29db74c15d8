// Magnet links (BEP 9), as far as a browser can follow them: by trackers that speak WebSocket. Pure.

export interface Magnet {
  infoHash: string;
  name: string;
  /** Those that speak WebSocket; a browser reaches no others. */
  trackers: string[];
}

export class BadMagnet extends Error {}

const MOST_TRACKERS = 16;
const MOST_NAME = 300;
const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

/** Reads the part of an address behind the `#`. Throws BadMagnet, which says what is wrong. */
export function readHash(hash: string): Magnet {
  const link = decoded(hash.replace(/^#/, ""));
  if (!link.toLowerCase().startsWith("magnet:?")) throw new BadMagnet("What is behind the # is not a magnet link.");
  const parameters = new URLSearchParams(link.slice("magnet:?".length));
  const infoHash = parameters.getAll("xt").map(infoHashOf).find(Boolean);
  if (!infoHash) throw new BadMagnet("The magnet link names no video: its xt=urn:btih:… is missing or malformed.");
  const named = [...new Set(parameters.getAll("tr"))];
  const trackers = named.filter(isWebSocket).slice(0, MOST_TRACKERS);
  if (trackers.length === 0) throw new BadMagnet("The magnet link names no tracker that speaks WebSocket (tr=wss://…).");
  return { infoHash, name: (parameters.get("dn") ?? "").slice(0, MOST_NAME), trackers };
}

/** Some programs encode a whole link that they put behind a `#`. */
function decoded(text: string): string {
  if (!/^magnet%3A/i.test(text)) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function infoHashOf(topic: string): string | undefined {
  const text = /^urn:btih:([0-9a-z]+)$/i.exec(topic)?.[1]?.toLowerCase() ?? "";
  if (/^[0-9a-f]{40}$/.test(text)) return text;
  return /^[a-z2-7]{32}$/.test(text) ? fromBase32(text) : undefined;
}

function fromBase32(text: string): string {
  const bits = [...text].map((letter) => BASE32.indexOf(letter).toString(2).padStart(5, "0")).join("");
  return (bits.match(/.{4}/g) ?? []).map((four) => parseInt(four, 2).toString(16)).join("");
}

function isWebSocket(url: string): boolean {
  try {
    return ["ws:", "wss:"].includes(new URL(url).protocol);
  } catch {
    return false;
  }
}
