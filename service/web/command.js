// A request as a line for a shell, to copy.

import { onLanguage, translate, words } from "./language.js";
import { curlLine } from "./service.js";

const SAID_MS = 1500;

/** Make the command of an element. Returns `show(...requests)`, a line for each {path, body}. */
export function makeCommand(element, title) {
  const heading = document.createElement("h3");
  heading.dataset.words = title;
  const line = document.createElement("pre");
  line.className = "code";
  line.tabIndex = 0;
  line.dataset.label = title;
  line.setAttribute("role", "group");
  const button = document.createElement("button");
  button.type = "button";
  bindCopy(button, "copy", () => line.textContent);
  const top = document.createElement("div");
  top.className = "line";
  top.append(heading, button);
  element.append(top, line);
  translate(element);
  return {
    show(...requests) {
      line.textContent = requests.map(curlLine).join("\n");
    },
  };
}

/** Let a button copy a text, and say so for a moment. */
export function bindCopy(button, label, textOf) {
  button.dataset.words = label;
  const rest = () => {
    button.textContent = words(label);
  };
  onLanguage(rest);
  rest();
  button.addEventListener("click", async () => {
    button.textContent = words((await copy(textOf())) ? "copied" : "notCopied");
    setTimeout(rest, SAID_MS);
  });
}

/** A browser gives the clipboard only to pages of https and of this machine; elsewhere there is the old way. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text);
  }
}

function copySelected(text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "unseen";
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  return isCopied;
}
