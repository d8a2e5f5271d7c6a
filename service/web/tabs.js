// Tabs as the ARIA practices describe them: arrows move between them, only the chosen one is in the tab order.

/** Make tabs of a tab list; `onChoose(name)` is told of each choice of the reader's. Returns `choose(name)`. */
export function makeTabs(list, onChoose) {
  const tabs = [...list.querySelectorAll("[role=tab]")];

  function choose(name) {
    for (const tab of tabs) {
      const isChosen = tab.dataset.tab === name;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !isChosen;
    }
  }

  const take = (tab) => {
    choose(tab.dataset.tab);
    tab.focus();
    onChoose(tab.dataset.tab);
  };
  for (const tab of tabs) {
    tab.addEventListener("click", () => take(tab));
  }
  list.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) {
      const at = tabs.findIndex((tab) => tab.getAttribute("aria-selected") === "true");
      take(tabs[(at + step + tabs.length) % tabs.length]);
      event.preventDefault();
    }
  });
  return choose;
}
