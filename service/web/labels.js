// What Swagger UI leaves out for people who do not see its page: names of fields, and links within buttons.

const NAMES = {
  "#servers": "Server",
  ".examples-select-element": "Example",
  ".body-param__text": "Request body",
  ".content-type": "Media type",
};

function label(root) {
  for (const [selector, name] of Object.entries(NAMES)) {
    for (const element of root.querySelectorAll(`${selector}:not([aria-label])`)) {
      element.setAttribute("aria-label", name);
    }
  }
  // The button around a path opens it; a link inside would be a second thing to press.
  for (const link of root.querySelectorAll("button a[href]")) {
    link.removeAttribute("href");
  }
}

/** Keep everything below a node labelled, whatever is put there. */
export function keepLabelled(root) {
  label(root);
  new MutationObserver(() => label(root)).observe(root, { childList: true, subtree: true });
}
