// Which jobs are worth a line, and in what words.

import { remaining } from "../format";
import type { Job } from "../types";

const STAGES: Record<string, string> = {
  probe: "Looking into the file",
  download: "Downloading",
  copy: "Preparing for every browser",
  transcode: "Converting for every browser",
  poster: "Taking the poster",
  hash: "Computing checksums",
  metadata: "Asking peers what it is",
};

export const isActive = (job: Job): boolean => job.state === "queued" || job.state === "running";

export function said(job: Job): string {
  switch (job.state) {
    case "queued":
      return "Waiting for its turn";
    case "running":
      if (!job.stage && job.progress === 0 && job.kind !== "fetch") return "Starting";
      return STAGES[job.stage] ?? (job.kind === "fetch" ? "Finding it on the network" : "Working");
    case "failed":
      return job.error || "It did not work, and the node did not say why.";
    case "cancelled":
      return "Cancelled";
    case "done":
      return job.kind === "fetch" ? "Found: it is being fetched" : "Added, and shared with the network";
  }
}

export const left = (seconds: number | null): string => (seconds === null ? "" : `about ${remaining(seconds)} left`);

const RANK: Record<Job["state"], number> = { running: 0, queued: 1, failed: 2, done: 3, cancelled: 4 };

/**
 * Those at work; failed ones until they are dismissed; done ones only if the user could see them
 * at work, since the node remembers many.
 */
export function visible(jobs: Iterable<Job>, seen: ReadonlySet<string>, dismissed: ReadonlySet<string>): Job[] {
  return [...jobs]
    .filter((job) => isActive(job) || (!dismissed.has(job.id) && (job.state === "failed" || (job.state === "done" && seen.has(job.id)))))
    .sort((a, b) => RANK[a.state] - RANK[b.state]);
}

const MOST_DISMISSED = 300;
const KEY = "dismissed-jobs";

export function loadDismissed(storage: Storage): string[] {
  try {
    const kept: unknown = JSON.parse(storage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((id): id is string => typeof id === "string") : [];
  } catch {
    return [];
  }
}

export function saveDismissed(storage: Storage, ids: Iterable<string>): void {
  try {
    storage.setItem(KEY, JSON.stringify([...ids].slice(-MOST_DISMISSED)));
  } catch {
    // A full or forbidden storage: they show up again after a reload, no more.
  }
}
