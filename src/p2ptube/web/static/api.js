// The HTTP API of the node: fetch with problem details as errors, uploads, server-sent events.

const PREFIX = "/api/v1/";

export async function call(method, path, body) {
  const options = { method };
  if (body !== undefined) {
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(PREFIX + path, options);
  } catch {
    throw new Error("The node does not answer. Is p2ptube still running?");
  }
  if (!answer.ok) throw problem(answer.status, await answer.text());
  return answer.status === 204 ? null : answer.json();
}

function problem(status, text) {
  if (status === 401) return new Error("The session has ended: type this page's address anew.");
  try {
    const document = JSON.parse(text);
    return new Error(document.detail ? `${document.title}: ${document.detail}` : document.title);
  } catch {
    return new Error(`The node answered ${status}.`);
  }
}

// XMLHttpRequest, since fetch does not tell the progress of an upload.
export function upload(file, onProgress) {
  return new Promise((resolve, reject) => {
    const form = new FormData();
    form.append("file", file, file.name);
    const request = new XMLHttpRequest();
    request.open("POST", PREFIX + "videos");
    request.upload.onprogress = (event) => onProgress(event.loaded / Math.max(event.total, 1));
    request.onload = () => request.status < 300
      ? resolve(JSON.parse(request.responseText))
      : reject(problem(request.status, request.responseText));
    request.onerror = () => reject(new Error(`The upload of ${file.name} was broken off.`));
    request.send(form);
  });
}

// `handlers` are functions of the data by event name (`error`: the stream broke; the browser
// connects anew unless it is closed). Returns what closes the stream.
export function listen(path, handlers) {
  const source = new EventSource(PREFIX + path);
  for (const [name, handle] of Object.entries(handlers)) {
    source.addEventListener(name, (event) => {
      handle(event.data === undefined ? null : JSON.parse(event.data), source);
    });
  }
  return () => source.close();
}
