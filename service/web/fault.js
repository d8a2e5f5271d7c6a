// What the service refused, shown at the field that it is about; in the function, with its column marked.

import { faultWords, words } from "./language.js";
import { Problem, Unusable } from "./service.js";

const SHOWN_BEFORE = 28;
const SHOWN_AFTER = 40;

/** The line of a text that a fault is in, and a caret under its column; both shortened around it. */
export function marked(text, { line, column }) {
  const whole = text.split("\n")[line - 1] ?? "";
  const first = Math.max(0, column - 1 - SHOWN_BEFORE);
  const cut = whole.slice(first, column - 1 + SHOWN_AFTER);
  const before = first > 0 ? "…" : "";
  const after = first + cut.length < whole.length ? "…" : "";
  return `${before}${cut}${after}\n${" ".repeat(before.length + column - 1 - first)}^`;
}

/** Faults of a failed request; one without a pointer when the service did not answer, or not all. */
export function faultsOf(error) {
  if (error instanceof Unusable) {
    return [{ pointer: "", detail: words(error.key, error.values) }];
  }
  if (!(error instanceof Problem)) {
    return [{ pointer: "", detail: words("unreachable") }];
  }
  return error.faults.map((fault) => ({ ...fault, value: valueAt(error.body, fault.pointer) }));
}

/** Take away what was shown in a part of the page before, but not what is still written in a field. */
export function clearFaults(part) {
  const places = [...part.querySelectorAll("[data-fault]")];
  for (const place of places.filter((each) => !each.closest(".field")?.querySelector("[data-unread]"))) {
    place.replaceChildren();
    document.getElementById(place.dataset.fault)?.removeAttribute("aria-invalid");
  }
}

/** Whether a JSON Pointer leads to another one's place, or into it. */
export function isWithin(pointer, outer) {
  return outer === "" || pointer === outer || pointer.startsWith(`${outer}/`);
}

/**
 * Show the faults of a request. Each goes to the place in a part of the page whose pointers lead to it; the last
 * place, whose pointer is empty, takes all. What another part of the form already says is not said again.
 */
export function showFaults(part, faults, text) {
  clearFaults(part);
  const places = [...part.querySelectorAll("[data-fault]")];
  const said = [...(part.closest("form")?.querySelectorAll("[data-fault] p") ?? [])].map((each) => each.textContent);
  for (const fault of faults.filter(({ detail }) => !said.includes(detail))) {
    const belongs = (place) => place.dataset.pointers.split(" ").some((outer) => isWithin(fault.pointer, outer));
    const place = places.find(belongs) ?? places.at(-1);
    document.getElementById(place.dataset.fault)?.setAttribute("aria-invalid", "true");
    if (!place.childElementCount) {
      place.append(...(fault.line ? [codeOf(text, fault)] : []), ...sentencesOf(fault, text));
    }
  }
}

/** Show what the page itself found wrong with a field. */
export function showFault(part, id, detail) {
  document.getElementById(id).setAttribute("aria-invalid", "true");
  part.querySelector(`[data-fault="${id}"]`)?.replaceChildren(sentence(detail));
}

/** Show that a field's text is no number; `kept` is the text of the number that counts meanwhile. */
export function showUnread(field, kept) {
  field.dataset.unread = kept;
  field.setAttribute("aria-invalid", "true");
  field.closest(".field").querySelector("[data-fault]")?.replaceChildren(sentence(words("badNumber")));
}

/** Write a number into a field; a text that is no number stays until that number changes. */
export function writeField(field, text) {
  if (field.dataset.unread !== text) {
    field.value = text;
    showRead(field);
  }
}

/** Show that a field's text is a number. */
export function showRead(field) {
  delete field.dataset.unread;
  field.removeAttribute("aria-invalid");
}

/** The first field that a reader sees whose text is no number. */
export function findUnread(part) {
  return [...part.querySelectorAll("[data-unread]")].find((each) => each.offsetParent);
}

/** Add a sentence of the page's own to what is shown in a part. */
export function addNote(part, text) {
  part.querySelector("[data-fault]").append(sentence(text));
}

/** The service's sentence; in another language one of the page's by the fault's code, before it. */
function sentencesOf(fault, text) {
  const own = faultWords(fault.code, { token: fault.line ? tokenAt(text, fault) : "", value: fault.value });
  const told = sentence(fault.detail);
  if (!own) {
    return [told];
  }
  told.lang = "en";
  told.className = "small";
  return [sentence(own), told];
}

/** The name, number or sign of a text that a fault is at. */
export function tokenAt(text, { line, column }) {
  const rest = (text.split("\n")[line - 1] ?? "").slice(column - 1);
  return rest.match(/^(?:[A-Za-z_]\w*|[\d.]+(?:[eE][+-]?\d+)?|\*\*|[<>=!]=|.)/u)?.[0] ?? "";
}

/** The part of a request that a JSON Pointer leads to, as text. */
export function valueAt(body, pointer) {
  const keys = pointer.split("/").slice(1).map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
  const found = keys.reduce((part, key) => part?.[key], body);
  return found === undefined ? "" : JSON.stringify(found).slice(0, SHOWN_AFTER);
}

function codeOf(text, fault) {
  const code = document.createElement("pre");
  code.textContent = marked(text, fault);
  return code;
}

function sentence(detail) {
  const paragraph = document.createElement("p");
  paragraph.textContent = detail;
  return paragraph;
}
