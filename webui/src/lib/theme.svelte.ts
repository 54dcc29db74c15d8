export type Theme = "system" | "light" | "dark";

const KEY = "theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

function stored(): Theme {
  const value = localStorage.getItem(KEY);
  return value === "light" || value === "dark" ? value : "system";
}

export const theme = $state<{ choice: Theme; shown: "light" | "dark" }>({ choice: stored(), shown: "light" });

function apply(): void {
  theme.shown = theme.choice === "system" ? (dark.matches ? "dark" : "light") : theme.choice;
  document.documentElement.dataset.theme = theme.shown;
}

export function choose(choice: Theme): void {
  theme.choice = choice;
  localStorage.setItem(KEY, choice);
  apply();
}

dark.addEventListener("change", apply);
apply();
