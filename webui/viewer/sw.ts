// The service worker: it lets the page answer what its own player asks for. All other requests go
// their way. It holds no state, since browsers end it whenever they like; and each answer is whole,
// a part of what was asked, so that none depends on it staying. Players ask on from there.

import type { Answer, Question } from "./bridge";

interface ExtendableEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface FetchEvent extends ExtendableEvent {
  request: Request;
  clientId: string;
  respondWith(answer: Promise<Response>): void;
}
interface Worker {
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void>; get(id: string): Promise<{ postMessage(message: unknown, transfer: Transferable[]): void } | undefined> };
  addEventListener(type: "install" | "activate", take: (event: ExtendableEvent) => void): void;
  addEventListener(type: "message", take: (event: ExtendableEvent & { data: unknown }) => void): void;
  addEventListener(type: "fetch", take: (event: FetchEvent) => void): void;
}

const worker = self as unknown as Worker;
// A page that lives says at once that it heard.
const HEARD_MS = 5_000;

worker.addEventListener("install", (event) => event.waitUntil(worker.skipWaiting()));
worker.addEventListener("activate", (event) => event.waitUntil(worker.clients.claim()));
worker.addEventListener("message", (event) => {
  if (event.data === "claim") event.waitUntil(worker.clients.claim());
});
worker.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (url.origin === location.origin && url.searchParams.get("via") === "page") event.respondWith(fromPage(event, url));
});

async function fromPage(event: FetchEvent, url: URL): Promise<Response> {
  const range = /^bytes=(\d+)-(\d*)$/.exec(event.request.headers.get("range") ?? "bytes=0-");
  const page = await worker.clients.get(event.clientId);
  const answer = page && range ? await ask(page, range) : undefined;
  return answer ? partial(answer) : fromNetwork(event.request, url);
}

function ask(page: { postMessage(message: unknown, transfer: Transferable[]): void }, range: RegExpExecArray): Promise<Answer | undefined> {
  const question: Question = { read: Number(range[1]), end: range[2] ? Number(range[2]) + 1 : Infinity };
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    const deaf = setTimeout(() => resolve(undefined), HEARD_MS);
    port1.onmessage = ({ data }: MessageEvent<Answer | "heard" | undefined>) => {
      clearTimeout(deaf);
      if (data === "heard") return;
      port1.close();
      resolve(data);
    };
    page.postMessage(question, [port2]);
  });
}

function partial({ start, total, mime, data }: Answer): Response {
  const headers = {
    "Content-Type": mime,
    "Content-Length": String(data.byteLength),
    "Content-Range": `bytes ${start}-${start + data.byteLength - 1}/${total}`,
    "Accept-Ranges": "bytes",
    "Cache-Control": "no-store",
  };
  return new Response(data, { status: 206, headers });
}

/** The page does not answer: the web server does, where there is one. */
function fromNetwork(request: Request, url: URL): Promise<Response> {
  url.searchParams.delete("via");
  const range = request.headers.get("range");
  return fetch(url, { headers: range ? { Range: range } : {}, signal: request.signal });
}
