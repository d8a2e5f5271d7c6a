// The optimizers and the options of each, as the service lists them in GET /functions.

let optimizers = [{ name: "gradient_descent", options: [], defaults: {} }];
let meanings = {};

/** Ask the service for its tables. Without them the page offers its first optimizer alone. */
export async function loadTables() {
  const response = await fetch("functions").catch(() => null);
  if (response?.ok) {
    learn(await response.json());
  }
}

/** Take over the tables of an answer. */
export function learn(tables) {
  optimizers = tables.optimizers;
  meanings = Object.fromEntries(tables.options.map(({ name, meaning }) => [name, meaning]));
}

/** Names of the optimizers; the first is the default. */
export const optimizerNames = () => optimizers.map(({ name }) => name);

/** Names of the options that an optimizer uses beside those of every descent. */
export const optionsOf = (optimizer) => optimizers.find(({ name }) => name === optimizer)?.options ?? [];

/** Names of all those options. */
export const optionNames = () => [...new Set(optimizers.flatMap(({ options }) => options))];

/** Offer the optimizers in a select; `label(prefix, name)` names them in the reader's language. */
export function offerOptimizers(select, label) {
  const chosen = select.value;
  select.replaceChildren(...optimizerNames().map((name) => new Option(label("optimizer", name), name)));
  select.value = chosen;
}

/** Put a field for each option before a node; it shows for the optimizers that use the option. */
export function addOptionFields(node) {
  for (const name of optionNames()) {
    const users = optimizers.filter(({ options }) => options.includes(name));
    const field = document.createElement("div");
    field.className = "field";
    field.dataset.when = ["optimizer", ...users.map((row) => row.name)].join(" ");
    field.append(makeLabel(name), makeInput(name, users[0].defaults[name]), makeFault(name));
    node.before(field);
  }
}

/** Name the fields of the options in the reader's language. */
export function nameOptions(form, label) {
  for (const element of form.querySelectorAll("[data-option]")) {
    element.textContent = label("option", element.dataset.option);
  }
}

function makeLabel(name) {
  const label = document.createElement("label");
  label.htmlFor = name;
  label.dataset.option = name;
  label.title = meanings[name];
  return label;
}

function makeInput(name, placeholder) {
  const input = document.createElement("input");
  input.id = name;
  input.dataset.setting = name;
  input.inputMode = "decimal";
  input.autocomplete = "off";
  input.placeholder = placeholder;
  input.setAttribute("aria-describedby", `${name}-fault`);
  return input;
}

function makeFault(name) {
  const fault = document.createElement("div");
  fault.className = "fault";
  fault.id = `${name}-fault`;
  fault.dataset.fault = name;
  fault.dataset.pointers = `/${name}`;
  fault.setAttribute("role", "status");
  return fault;
}
