// Languages by name, for choosing; the descriptor carries their BCP 47 tags.

const TAGS = [
  "ar", "bn", "bg", "ca", "zh", "hr", "cs", "da", "nl", "en", "et", "fi", "fr", "de", "el", "he", "hi", "hu", "id",
  "it", "ja", "ko", "lv", "lt", "ms", "no", "fa", "pl", "pt", "ro", "ru", "sr", "sk", "sl", "es", "sw", "sv", "ta",
  "th", "tr", "uk", "ur", "vi",
];
const names = new Intl.DisplayNames(["en"], { type: "language", fallback: "code" });

export function languageName(tag: string): string {
  try {
    return names.of(tag) ?? tag;
  } catch {
    return tag;
  }
}

/** [tag, name], by name; with the one that is set already, whatever it is. */
export function languages(current: string): [string, string][] {
  const tags = current && !TAGS.includes(current) ? [...TAGS, current] : TAGS;
  return tags.map((tag): [string, string] => [tag, languageName(tag)]).sort((a, b) => a[1].localeCompare(b[1]));
}
