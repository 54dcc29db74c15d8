// What the user gives to be added: files picked or dropped, a path, an address.

export interface Dropped {
  files: File[];
  /** Why the others cannot be added, in words. */
  refused: string[];
  /** A link that was dropped instead of files. */
  url: string;
}

/** Types that are certainly no video. Others are left to the node, which looks into the file. */
const NO_VIDEO = /^(image\/|font\/|application\/(pdf|zip|gzip|json))/;

export function sift(files: Iterable<File>): Pick<Dropped, "files" | "refused"> {
  const kept: File[] = [];
  const refused: string[] = [];
  for (const file of files) {
    if (NO_VIDEO.test(file.type)) refused.push(`${file.name} is not a video.`);
    else if (file.size === 0) refused.push(`${file.name} is empty.`);
    else kept.push(file);
  }
  return { files: kept, refused };
}

/** Whether a drag brings something from outside the page. */
export const carries = (types: readonly string[]): boolean => types.includes("Files") || types.includes("text/uri-list");

export function droppedIn(data: DataTransfer): Dropped {
  const files: File[] = [];
  const refused: string[] = [];
  for (const item of data.items) {
    if (item.kind !== "file") continue;
    // A folder looks like a file until its entry is asked.
    if (item.webkitGetAsEntry?.()?.isDirectory) refused.push("A folder cannot be added: drop the videos in it.");
    else {
      const file = item.getAsFile();
      if (file) files.push(file);
    }
  }
  const sifted = sift(files);
  const url = files.length + refused.length ? "" : (/^\S+/.exec(data.getData("text/uri-list"))?.[0] ?? "");
  return { files: sifted.files, refused: [...refused, ...sifted.refused], url };
}

export type Source = { kind: "path" | "url"; value: string } | { kind: "none"; value: string };

/** What was typed or pasted: an address, or a path as file managers and shells write it. */
export function sourceOf(text: string): Source {
  let value = text.trim();
  if (/^(https?:\/\/|magnet:)/i.test(value)) return { kind: "url", value };
  if (/^[0-9a-f]{40}$/i.test(value)) return { kind: "url", value: `magnet:?xt=urn:btih:${value.toLowerCase()}` };
  value = /^(['"])(.+)\1$/.exec(value)?.[2] ?? value;
  if (/^file:\/\//i.test(value)) {
    try {
      value = decodeURIComponent(value.replace(/^file:\/\/(localhost)?/i, ""));
    } catch {
      return { kind: "none", value: "" };
    }
  }
  return value ? { kind: "path", value } : { kind: "none", value: "" };
}
