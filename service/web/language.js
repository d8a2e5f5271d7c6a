// English or Japanese: by the browser's language until the reader chooses.

import { JAPANESE_FAULTS } from "./faults-ja.js";
import { recall, remember } from "./memory.js";
import { ENGLISH } from "./words-en.js";
import { JAPANESE } from "./words-ja.js";

const WORDS = { en: ENGLISH, ja: JAPANESE };
const listeners = [];
let current = "en";

/** The words for a key, with `{name}` replaced by values; of two for a key the first is for a single step. */
export function words(key, values = {}) {
  const found = WORDS[current][key];
  const text = Array.isArray(found) ? found[values.steps === 1 ? 0 : 1] : found;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** The words for a name of the service's tables; what the page does not know goes by its name. */
export function wordsFor(prefix, name) {
  return WORDS[current][`${prefix}_${name}`] ?? name.replaceAll("_", " ");
}

/** What a code of a fault means, with `{name}` replaced by values; null where the service's sentence is to be read. */
export function faultWords(code, values) {
  const found = current === "ja" ? JAPANESE_FAULTS[code] : undefined;
  return found?.replace(/\{(\w+)\}/g, (_, name) => values[name]) ?? null;
}

/** The first language of a list that the page has, else English. */
export function bestLanguage(wanted) {
  const known = wanted.map((tag) => tag.slice(0, 2).toLowerCase()).filter((tag) => tag in WORDS);
  return known[0] ?? "en";
}

/** Call back whenever the language changes. */
export function onLanguage(callback) {
  listeners.push(callback);
}

function use(language) {
  current = language;
  document.documentElement.lang = language;
  document.title = words("title");
  translate(document);
  for (const listener of listeners) {
    listener();
  }
}

/** Put the words into every element below a node that names them. */
export function translate(node) {
  for (const element of node.querySelectorAll("[data-words]")) {
    element.textContent = words(element.dataset.words);
  }
  for (const element of node.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", words(element.dataset.label));
    element.title = words(element.dataset.label);
  }
}

/** Begin with the reader's language; the button offers the other one, in that language. */
export function startLanguage(button) {
  const show = () => {
    button.textContent = current === "en" ? "日本語" : "English";
    button.lang = current === "en" ? "ja" : "en";
  };
  const remembered = recall("language");
  use(remembered in WORDS ? remembered : bestLanguage(navigator.languages));
  show();
  button.addEventListener("click", () => {
    use(current === "en" ? "ja" : "en");
    remember("language", current);
    show();
  });
}
