// Whether this viewer passes on what it watches: asked once, kept in the browser, to be changed later.

export type Choice = "ask" | "yes" | "no";

const KEY = "p2ptube.share";

export function recall(): Choice {
  try {
    const value = localStorage.getItem(KEY);
    return value === "yes" || value === "no" ? value : "ask";
  } catch {
    // Storage is forbidden here (a frame of another site): ask each time.
    return "ask";
  }
}

export function remember(choice: Choice): void {
  try {
    localStorage.setItem(KEY, choice);
  } catch {
    // It holds for this visit.
  }
}
