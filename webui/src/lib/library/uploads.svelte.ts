// Files on their way from this page to the node. They go on while other pages are looked at.

import { SvelteMap } from "svelte/reactivity";
import type { Backend } from "../backend";
import type { Job, Visibility } from "../types";

/** More at once would only share the same wire. */
const AT_ONCE = 2;

export interface Uploading {
  id: number;
  name: string;
  size: number;
  state: "waiting" | "sending" | "failed";
  progress: number;
  /** Seconds, once it can be told. */
  remaining: number | null;
  error: string;
}

/** From how far it is after how long. The first half second tells nothing yet. */
export function estimate(progress: number, seconds: number): number | null {
  return progress > 0 && seconds >= 0.5 ? (seconds / progress) * (1 - progress) : null;
}

export class Uploads {
  entries = new SvelteMap<number, Uploading>();
  underway = $derived([...this.entries.values()].some((entry) => entry.state !== "failed"));

  private files = new Map<number, { file: File; visibility: Visibility }>();
  private cancels = new Map<number, () => void>();
  private next = 1;

  constructor(
    private readonly backend: Pick<Backend, "upload">,
    private readonly began: (job: Job) => void,
    private readonly now: () => number = () => performance.now() / 1000,
  ) {}

  add(files: Iterable<File>, visibility: Visibility): void {
    for (const file of files) {
      const id = this.next++;
      this.files.set(id, { file, visibility });
      const entry = { id, name: file.name, size: file.size, state: "waiting", progress: 0, remaining: null, error: "" } as const;
      this.entries.set(id, entry);
    }
    this.sendNext();
  }

  /** Cancels one that is underway, or forgets one that failed. */
  drop(id: number): void {
    const cancel = this.cancels.get(id);
    this.forget(id);
    cancel?.();
    this.sendNext();
  }

  retry(id: number): void {
    this.change(id, { state: "waiting", progress: 0, remaining: null, error: "" });
    this.sendNext();
  }

  private sendNext(): void {
    for (const entry of [...this.entries.values()]) {
      if (this.cancels.size >= AT_ONCE) return;
      if (entry.state === "waiting") void this.send(entry.id);
    }
  }

  private async send(id: number): Promise<void> {
    const start = this.now();
    const { file, visibility } = this.files.get(id)!;
    const upload = this.backend.upload(file, visibility, (progress) =>
      this.change(id, { progress, remaining: estimate(progress, this.now() - start) }),
    );
    this.cancels.set(id, upload.cancel);
    this.change(id, { state: "sending" });
    try {
      const job = await upload.done;
      if (!this.entries.has(id)) return;
      this.forget(id);
      this.began(job);
    } catch (error) {
      this.cancels.delete(id);
      const words = error instanceof Error ? error.message : String(error);
      this.change(id, { state: "failed", remaining: null, error: words });
    } finally {
      this.sendNext();
    }
  }

  private change(id: number, changes: Partial<Uploading>): void {
    const entry = this.entries.get(id);
    if (entry) this.entries.set(id, { ...entry, ...changes });
  }

  private forget(id: number): void {
    this.entries.delete(id);
    this.files.delete(id);
    this.cancels.delete(id);
  }
}
