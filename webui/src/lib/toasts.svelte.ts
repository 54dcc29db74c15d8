export interface Toast {
  id: number;
  text: string;
  kind: "error" | "info";
}

const SHOWN_MS = 6000;
let next = 1;

export const toasts = $state<Toast[]>([]);

export function dismiss(id: number): void {
  const at = toasts.findIndex((toast) => toast.id === id);
  if (at >= 0) toasts.splice(at, 1);
}

export function toast(text: string, kind: Toast["kind"] = "info"): void {
  const id = next++;
  toasts.push({ id, text: text.slice(0, 300), kind });
  setTimeout(() => dismiss(id), SHOWN_MS);
}

/** Runs an action of the user's; a failure becomes a toast, and `undefined`. */
export async function tried<T>(action: Promise<T>): Promise<T | undefined> {
  try {
    return await action;
  } catch (error) {
    toast(error instanceof Error ? error.message : String(error), "error");
    return undefined;
  }
}
