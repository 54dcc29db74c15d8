import type { AppState } from "../state.svelte";
import type { Settings, SettingsView } from "../types";
import { changes, draftOf, parse, problemsOf, rebased, touched, type Draft, type Field, type Problems } from "./draft";

/** The form of the settings. It outlives its page, so that nobody loses what they have typed. */
export class SettingsForm {
  saved = $state.raw<Settings>();
  draft = $state<Draft>();
  /** Saved, but the node runs with others until it is restarted. */
  restart = $state.raw<string[]>([]);
  /** Decided by a flag or an environment variable: shown, not to be changed. */
  fixed = $state.raw<string[]>([]);
  saving = $state(false);
  failed = $state("");
  /** What the node refused; what the form itself finds wrong comes on top. */
  private refused = $state.raw<Problems>({});

  dirty = $derived.by(() => this.draft !== undefined && this.saved !== undefined && touched(this.draft, this.saved));
  found = $derived.by<Problems>(() => (this.draft ? parse(this.draft).problems : {}));
  problems = $derived.by<Problems>(() => ({ ...this.refused, ...this.found }));

  constructor(private readonly app: AppState) {}

  /** Loads what is saved; what the user has changed meanwhile stays. */
  async load(): Promise<void> {
    try {
      this.take(await this.app.backend.settings());
      this.failed = "";
    } catch (error) {
      if (!this.draft) this.failed = error instanceof Error ? error.message : String(error);
    }
  }

  private take(view: SettingsView): void {
    const draft = $state.snapshot(this.draft);
    this.draft = draft && this.saved ? rebased(draft, this.saved, view.settings) : draftOf(view.settings);
    this.saved = view.settings;
    this.restart = view.restart;
    this.fixed = view.fixed;
  }

  /** True if it is saved; else `problems` tells why. */
  async save(): Promise<boolean> {
    if (!this.draft || !this.saved || Object.keys(this.found).length > 0) return false;
    const wanted = changes($state.snapshot(this.draft), this.saved);
    this.saving = true;
    this.refused = {};
    try {
      const view = await this.app.backend.changeSettings(wanted);
      // What was typed while it was being saved is a change to what is saved now.
      this.saved = { ...this.saved, ...wanted };
      this.take(view);
      return true;
    } catch (error) {
      this.refused = problemsOf(error instanceof Error ? error.message : String(error));
      return false;
    } finally {
      this.saving = false;
    }
  }

  discard(): void {
    if (this.saved) this.draft = draftOf(this.saved);
    this.refused = {};
  }

  /** A field that the user works on again is not wrong any more because the node once said so. */
  edited(field: Field): void {
    const { [field]: _, "": __, ...others } = this.refused;
    this.refused = others;
  }
}
