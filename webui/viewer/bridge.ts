// The page's end of the service worker: its player's requests come here.

export interface Question {
  /** Bytes of the video, [read, end). */
  read: number;
  end: number;
}

export interface Answer {
  start: number;
  total: number;
  mime: string;
  data: ArrayBuffer;
}

export type Reader = (start: number, end: number) => Promise<Answer | undefined>;

const CONTROL_MS = 2_000;

/** Whether this browser, and how the page was opened, allow a service worker at all. */
export const possible = (): boolean => isSecureContext && "serviceWorker" in navigator && !!globalThis.crypto?.subtle;

/** Has the service worker take this page over; false where that does not work, or takes too long. */
export async function takeOver(script: URL, scope: URL): Promise<boolean> {
  try {
    const workers = navigator.serviceWorker;
    if (workers.controller?.scriptURL === script.href) return true;
    const registered = await workers.register(script, { scope: scope.pathname });
    // A page that was loaded past the worker (shift and reload) is not taken over by itself.
    registered.active?.postMessage("claim");
    return await controlled(workers);
  } catch {
    return false;
  }
}

function controlled(workers: ServiceWorkerContainer): Promise<boolean> {
  return new Promise((resolve) => {
    if (workers.controller) return resolve(true);
    const late = setTimeout(() => resolve(false), CONTROL_MS);
    const taken = () => {
      clearTimeout(late);
      resolve(true);
    };
    workers.addEventListener("controllerchange", taken, { once: true });
  });
}

/** Answers the worker's questions from now on; the function that is returned ends that. */
export function answer(read: Reader): () => void {
  const listen = ({ data, ports }: MessageEvent<Question>) => {
    const [port] = ports;
    if (!port || typeof data?.read !== "number") return;
    port.postMessage("heard");
    void read(data.read, data.end).then((found) => port.postMessage(found, found ? [found.data] : []));
  };
  navigator.serviceWorker.addEventListener("message", listen);
  return () => navigator.serviceWorker.removeEventListener("message", listen);
}

/** The address at which the worker asks the page. */
export function throughPage(stream: string, base: string): string {
  const url = new URL(stream, base);
  url.searchParams.set("via", "page");
  return url.href;
}
