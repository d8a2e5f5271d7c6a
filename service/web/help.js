// Help while one writes a function: names that go on as one types, and what the function under the cursor means.

import { functionRows } from "./options.js";

const MOST = 8;
const WORD = /[A-Za-z_]\w*$/;

/** The word that ends at a place of a text: its beginning, and what is written of it; null where there is none. */
export function wordBefore(text, place) {
  const found = text.slice(0, place).match(WORD);
  return found && { start: place - found[0].length, written: found[0] };
}

/** The whole word around a place of a text. */
export function wordAround(text, place) {
  const before = text.slice(0, place).match(WORD)?.[0] ?? "";
  const after = text.slice(place).match(/^\w*/)[0];
  return before + after;
}

/** Rows of the functions whose names go on from what is written; none where the name is whole already. */
export function completions(rows, written) {
  const found = rows.filter(({ name }) => name.startsWith(written) && name !== written);
  return written.length ? found.slice(0, MOST) : [];
}

/** Make the help of a text area, with a list of names and a line for the meaning; `onChange()` after a choice. */
export function makeHelp(area, list, line, onChange) {
  let offered = [];
  let chosen = 0;

  function close() {
    offered = [];
    list.hidden = true;
    area.removeAttribute("aria-activedescendant");
  }

  function offer() {
    const word = wordBefore(area.value, area.selectionStart);
    offered = word ? completions(functionRows(), word.written) : [];
    chosen = 0;
    list.replaceChildren(...offered.map(makeEntry));
    list.hidden = !offered.length;
    choose(0);
  }

  function makeEntry({ signature, meaning }, index) {
    const entry = document.createElement("li");
    entry.id = `${list.id}-${index}`;
    entry.setAttribute("role", "option");
    const code = document.createElement("code");
    code.textContent = signature;
    entry.append(code, ` ${meaning}`);
    entry.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // the area keeps the cursor
      take(index);
    });
    return entry;
  }

  function choose(index) {
    if (!offered.length) {
      close();
      return;
    }
    chosen = (index + offered.length) % offered.length;
    [...list.children].forEach((entry, place) => entry.setAttribute("aria-selected", String(place === chosen)));
    area.setAttribute("aria-activedescendant", `${list.id}-${chosen}`);
  }

  function take(index) {
    const { start } = wordBefore(area.value, area.selectionStart);
    area.setRangeText(`${offered[index].name}(`, start, area.selectionStart, "end");
    close();
    explain();
    onChange();
  }

  function explain(place = area.selectionStart) {
    const row = functionRows().find(({ name }) => name === wordAround(area.value, place));
    line.textContent = row ? [`${row.signature}: ${row.meaning}`, row.kinks].filter(Boolean).join("; ") : "";
  }

  const KEYS = {
    ArrowDown: () => choose(chosen + 1),
    ArrowUp: () => choose(chosen - 1),
    Tab: () => take(chosen),
    Enter: () => take(chosen),
    Escape: close,
  };
  area.addEventListener("keydown", (event) => {
    const act = offered.length && !event.shiftKey ? KEYS[event.key] : undefined;
    if (act) {
      event.preventDefault();
      act();
    }
  });
  area.addEventListener("input", () => {
    offer();
    explain();
  });
  area.addEventListener("blur", close);
  document.addEventListener("selectionchange", () => document.activeElement === area && explain());
  area.addEventListener("pointermove", ({ clientX, clientY }) => {
    const under = document.caretPositionFromPoint?.(clientX, clientY);
    if (under?.offsetNode === area) {
      explain(under.offset);
    }
  });
  area.addEventListener("pointerleave", () => explain());
}
