// Light or dark: the system's choice until the reader takes the other.

import { recall, remember } from "./memory.js";
import { onSystemTheme, palette } from "./palette.js";

const CHOICES = ["light", "dark"];

/** Begin with the remembered choice; the button turns it round. */
export function startTheme(button, onChange) {
  const root = document.documentElement;
  const remembered = recall("theme");
  if (CHOICES.includes(remembered)) {
    root.dataset.theme = remembered;
  }
  const show = () => button.setAttribute("aria-pressed", String(palette().isDark));
  show();
  button.addEventListener("click", () => {
    root.dataset.theme = palette().isDark ? "light" : "dark";
    remember("theme", root.dataset.theme);
    show();
    onChange();
  });
  onSystemTheme(() => {
    show();
    onChange();
  });
}
