import { Failure, type Backend, type Stop, type Upload } from "./backend";
import type { Job, NodeEvent, Video, Visibility } from "./types";

const PREFIX = "/api/v1/";
const RECONNECT_MS = 1000;

function failureOf(status: number, body: string): Failure {
  try {
    const problem = JSON.parse(body) as { detail?: string; title?: string };
    return new Failure(problem.detail || problem.title || `The node answered ${status}.`, status);
  } catch {
    return new Failure(`The node answered ${status}.`, status);
  }
}

async function send(method: string, path: string, body?: unknown): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(PREFIX + path, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
  } catch {
    throw new Failure("The node does not answer. Is it still running?", 0);
  }
  if (!answer.ok) throw failureOf(answer.status, await answer.text());
  return answer;
}

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await send(method, path, body);
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

const part = encodeURIComponent;

/** The node takes no notice of it; but browsers play what they have of a URL, whatever its ETag is now. */
const which = ({ file }: Pick<Video, "file">): string => (file === null ? "" : `?file=${file}`);

function upload(file: File, visibility: Visibility, progress: (fraction: number) => void): Upload {
  // XMLHttpRequest, since fetch tells nothing about the progress of an upload.
  const request = new XMLHttpRequest();
  const done = new Promise<Job>((resolve, reject) => {
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onerror = () => reject(new Failure("The upload was cut off.", 0));
    request.onabort = () => reject(new Failure("The upload was cancelled.", 0));
    request.onload = () =>
      request.status < 300
        ? resolve(JSON.parse(request.responseText) as Job)
        : reject(failureOf(request.status, request.responseText));
  });
  const form = new FormData();
  // In front of the file: it is known before there is anything to see.
  form.append("visibility", visibility);
  form.append("file", file);
  request.open("POST", `${PREFIX}videos`);
  request.send(form);
  return { done, cancel: () => request.abort() };
}

function search(
  text: string,
  seconds: number,
  result: (video: Video) => void,
  done: (problem?: string) => void,
): Stop {
  const source = new EventSource(`${PREFIX}search?q=${part(text)}&timeout=${seconds}`);
  let problem: string | undefined;
  const finish = (why?: string) => {
    source.close();
    done(why);
  };
  source.addEventListener("result", (event) => result(JSON.parse(event.data) as Video));
  source.addEventListener("problem", (event) => (problem = (JSON.parse(event.data) as { detail: string }).detail));
  source.addEventListener("done", () => finish(problem));
  source.onerror = () => finish("The search was cut off.");
  return () => source.close();
}

const KINDS = ["ready", "job", "video", "removed", "peers", "trackers", "swarm"] as const;

function events(on: (event: NodeEvent) => void, connection: (up: boolean) => void): Stop {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  const open = () => {
    source = new EventSource(`${PREFIX}events`);
    for (const kind of KINDS) {
      source.addEventListener(kind, (event) => {
        if (kind === "ready") connection(true);
        on({ kind, data: JSON.parse(event.data) } as NodeEvent);
      });
    }
    source.onerror = () => {
      connection(false);
      // A node that was restarted answers with an error first: EventSource then gives up for good.
      source?.close();
      if (!stopped) timer = setTimeout(open, RECONNECT_MS);
    };
  };
  open();
  return () => {
    stopped = true;
    clearTimeout(timer);
    source?.close();
  };
}

export const http: Backend = {
  node: () => call("GET", "node"),
  videos: () => call("GET", "videos"),
  video: (id) => call("GET", `videos/${part(id)}`),
  updateVideo: (id, changes) => call("PATCH", `videos/${part(id)}`, changes),
  deleteVideo: (id, deleteFile) => call("DELETE", `videos/${part(id)}?delete_file=${deleteFile}`),
  fetchVideo: (id, keep) => call("POST", `videos/${part(id)}/fetch`, { keep }),
  stopFetch: (id) => call("DELETE", `videos/${part(id)}/fetch`),
  files: (id) => call("GET", `videos/${part(id)}/files`),
  chooseFile: (id, file) => call("POST", `videos/${part(id)}/fetch`, { file }),
  prefetch: async (id) => (await send("POST", `videos/${part(id)}/prefetch`)).status === 202,
  cancelPrefetch: (id) => call("DELETE", `videos/${part(id)}/prefetch`),
  swarm: (id) => call("GET", `videos/${part(id)}/swarm`),
  openInPlayer: (id, player) => call("POST", `videos/${part(id)}/open`, { player }),
  streamUrl: (video) => `/stream/${part(video.id)}${which(video)}`,
  posterUrl: (id) => `/poster/${part(id)}`,
  captionsUrl: (video, language) => `/captions/${part(video.id)}/${part(language)}${which(video)}`,
  addPath: (path, visibility) => call("POST", "videos", { path, visibility }),
  addUrl: (url, visibility) => call("POST", "videos", { url, visibility }),
  upload,
  jobs: () => call("GET", "jobs"),
  cancelJob: (id) => call("DELETE", `jobs/${part(id)}`),
  search,
  peers: () => call("GET", "peers"),
  peerGraph: () => call("GET", "peers/graph"),
  addPeer: (address) => call("POST", "peers", { address }),
  removePeer: (id) => call("DELETE", `peers/${part(id)}`),
  refreshPeers: () => call("POST", "peers/refresh", {}),
  rebuildPeers: (address, hops) => call("POST", "peers/rebuild", { ...(address ? { address } : {}), hops }),
  trackers: () => call("GET", "trackers"),
  settings: () => call("GET", "settings"),
  changeSettings: (changes) => call("PATCH", "settings", changes),
  events,
};
