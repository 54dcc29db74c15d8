// Where each video was left, so that it goes on there. In the browser: it is nobody else's business.

const KEY = "positions";
const MOST = 200;
const EARLY_SECONDS = 5;
const LATE_SECONDS = 10;
const LATE_FRACTION = 0.97;

type Entry = [id: string, seconds: number];

/** Oldest first. Whatever is not ours in the storage counts as nothing. */
function entries(storage: Storage): Entry[] {
  try {
    const stored: unknown = JSON.parse(storage.getItem(KEY) ?? "[]");
    return Array.isArray(stored) ? stored.filter(isEntry) : [];
  } catch {
    return [];
  }
}

function isEntry(value: unknown): value is Entry {
  return Array.isArray(value) && typeof value[0] === "string" && Number.isFinite(value[1]);
}

/** Whether it is worth going on there: not for the first seconds, nor for what is as good as over. */
export function worthResuming(seconds: number, duration: number): boolean {
  if (seconds < EARLY_SECONDS) return false;
  return seconds < Math.min(duration - LATE_SECONDS, duration * LATE_FRACTION);
}

/** The seconds at which to go on; 0 means from the start. */
export function recall(id: string, duration: number, storage: Storage = localStorage): number {
  const seconds = entries(storage).find((entry) => entry[0] === id)?.[1] ?? 0;
  return worthResuming(seconds, duration) ? seconds : 0;
}

export function remember(id: string, seconds: number, duration: number, storage: Storage = localStorage): void {
  const others = entries(storage).filter((entry) => entry[0] !== id);
  if (worthResuming(seconds, duration)) others.push([id, Math.round(seconds * 10) / 10]);
  try {
    storage.setItem(KEY, JSON.stringify(others.slice(-MOST)));
  } catch {
    // A full or forbidden storage costs the position, not the video.
  }
}
