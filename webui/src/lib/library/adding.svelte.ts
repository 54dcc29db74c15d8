// Adding, as the whole app sees it: it outlives the page on which it began.

import { SvelteSet } from "svelte/reactivity";
import { app } from "../app";
import { isActive, loadDismissed, saveDismissed } from "./jobs";
import { Uploads } from "./uploads.svelte";

/** The event stream tells of the job too, and may be faster. */
export const uploads = new Uploads(app.backend, (job) => app.jobs.has(job.id) || app.take({ kind: "job", data: job }));

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
