// Adding, as the whole app sees it: it outlives the page on which it began.

import { SvelteSet } from "svelte/reactivity";
import { app } from "../app";
import type { Visibility } from "../types";
import { isVisibility } from "../visibility";
import { isActive, loadDismissed, saveDismissed } from "./jobs";
import { Uploads } from "./uploads.svelte";

/** The event stream tells of the job too, and may be faster. */
export const uploads = new Uploads(app.backend, (job) => app.jobs.has(job.id) || app.take({ kind: "job", data: job }));

const VISIBILITY = "add-visibility";

/** Who may see what is added next. Remembered: what was meant to be private shall not be public. */
class Adding {
  visibility = $state<Visibility>(remembered());

  choose(visibility: Visibility): void {
    this.visibility = visibility;
    localStorage.setItem(VISIBILITY, visibility);
  }
}

function remembered(): Visibility {
  const text = localStorage.getItem(VISIBILITY);
  return isVisibility(text) ? text : "public";
}

export const adding = new Adding();

export const dismissed = new SvelteSet<string>(loadDismissed(localStorage));
/** The jobs that were at work at some time while this page was open. */
export const seen = new SvelteSet<string>();

export function dismiss(id: string): void {
  dismissed.add(id);
  saveDismissed(localStorage, dismissed);
}

$effect.root(() => {
  $effect(() => {
    for (const job of app.jobs.values()) if (isActive(job)) seen.add(job.id);
  });
});

// What is half-way would be lost with the page.
addEventListener("beforeunload", (event) => {
  if (uploads.underway) event.preventDefault();
});
