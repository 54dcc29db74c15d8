import type { AppState } from "../state.svelte";
import type { Peer } from "../types";
import { answers, summary, withGone, type Answer } from "./rows";

// How long the ticks stay to be read after the last answer.
const SHOWN_MS = 8000;

/** One question to all peers, "are you alive?", and the answers as they come in. */
export class Refresh {
  running = $state(false);
  private before = $state.raw<Peer[]>([]);
  private since = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  found = $derived.by<Map<string, Answer>>(() => answers(this.before, this.app.peers, this.since, !this.running));
  /** The peers to show: those that were dropped stay until the result has been read. */
  peers = $derived.by(() => withGone(this.app.peers, this.before, this.found));
  text = $derived(this.before.length ? summary(this.found, !this.running) : "");

  /** For those who hear it: not each answer, only the beginning and the end. */
  spoken = $derived.by(() => (this.running ? "Asking the peers whether they are alive." : this.text));

  constructor(private readonly app: AppState) {}

  /** Raises Failure. */
  async run(): Promise<void> {
    clearTimeout(this.timer);
    this.since = Date.now() / 1000;
    this.running = true;
    this.before = this.app.peers;
    try {
      this.app.peers = await this.app.backend.refreshPeers();
    } catch (error) {
      this.before = [];
      throw error;
    } finally {
      this.running = false;
      this.timer = setTimeout(() => this.clear(), SHOWN_MS);
    }
  }

  /** The user has removed it: it is not one that did not answer. */
  forget(id: string): void {
    this.before = this.before.filter((peer) => peer.id !== id);
  }

  clear(): void {
    clearTimeout(this.timer);
    this.before = [];
  }
}
