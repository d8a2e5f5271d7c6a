// The service's own tables, from GET /functions: the functions, the optimizers and the options of each.

let optimizers = [{ name: "gradient_descent", options: [], defaults: {} }];
let rows = {};
let functions = [];

/** Ask the service for its tables. Without them the page offers its first optimizer alone. */
export async function loadTables() {
  const ask = async () => (await fetch("functions")).json();
  const tables = await ask().catch(() => null);
  if (tables?.optimizers) {
    learn(tables);
  }
}

/** Take over the tables of an answer. */
export function learn(tables) {
  optimizers = tables.optimizers;
  functions = (tables.functions ?? []).filter(({ kind }) => kind === "function");
  rows = Object.fromEntries(tables.options.map((row) => [row.name, row]));
}

/** Rows of the functions of the language: name, signature, meaning and derivative at kinks. */
export const functionRows = () => functions;

/** Names of the optimizers; the first is the default. */
export const optimizerNames = () => optimizers.map(({ name }) => name);

/** Whether an option is on or off, not a number. */
export const isFlag = (name) => rows[name]?.kind === "flag";

const used = ({ options, defaults }) => options.filter((name) => name in defaults || isFlag(name));

/** Names of the numbers and flags that an optimizer uses beside those of every descent. */
export const optionsOf = (optimizer) => optimizers.filter(({ name }) => name === optimizer).flatMap(used);

/** Whether an optimizer can take its steps by batches of rows. */
export const takesBatches = (optimizer) => rows.batch?.used_by.includes(optimizer) ?? false;

/** Names of all those options. */
export const optionNames = () => [...new Set(optimizers.flatMap(used))];

/** Offer the optimizers in a select; `label(prefix, name)` names them in the reader's language. */
export function offerOptimizers(select, label) {
  const chosen = select.value;
  select.replaceChildren(...optimizerNames().map((name) => new Option(label("optimizer", name), name)));
  select.value = chosen;
}

/** Put a field for each option into a node; it shows for the optimizers that use the option. */
export function addOptionFields(node) {
  for (const name of optionNames()) {
    const users = optimizers.filter((row) => used(row).includes(name));
    const field = document.createElement("div");
    field.className = "field";
    field.dataset.when = ["optimizer", ...users.map((row) => row.name)].join(" ");
    const value = users[0].defaults[name];
    const input = isFlag(name) ? makeSwitch(name) : withSlider(makeInput(name, value), value);
    field.append(makeLabel(name), input, makeFault(name));
    node.append(field);
  }
}

/** Name the fields of the options in the reader's language. */
export function nameOptions(form, label) {
  for (const element of form.querySelectorAll("[data-option]")) {
    const text = label("option", element.dataset.option);
    if (element.localName === "label") {
      element.textContent = text;
    } else {
      element.setAttribute("aria-label", text);
    }
  }
}

function makeLabel(name) {
  const label = document.createElement("label");
  label.htmlFor = name;
  label.dataset.option = name;
  label.title = rows[name].meaning;
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

function makeSwitch(name) {
  const select = document.createElement("select");
  select.id = name;
  select.dataset.setting = name;
  select.append(new Option("–", ""), new Option("✓", "true"));
  return select;
}

/** Momentum is what one wants to move: its input gets a slider. */
function withSlider(input, value) {
  if (input.id !== "momentum") {
    return input;
  }
  const slider = document.createElement("input");
  Object.assign(slider, { type: "range", id: `${input.id}-slider`, min: 0, max: 0.99, step: 0.01 });
  slider.dataset.linear = input.id;
  slider.dataset.option = input.id;
  slider.dataset.absent = value;
  const pair = document.createElement("span");
  pair.className = "pair rate";
  pair.append(slider, input);
  return pair;
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
