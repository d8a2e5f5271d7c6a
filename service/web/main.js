// The page put together: its setting, what shows it, and what follows from each change.

import { bindCopy } from "./command.js";
import { bindControls } from "./controls.js";
import { makeDescent } from "./descent.js";
import { FUNCTIONS, nameOf } from "./functions.js";
import { onLanguage, startLanguage, words, wordsFor } from "./language.js";
import { addOptionFields, loadTables, nameOptions, offerOptimizers } from "./options.js";
import { makePlane } from "./plane.js";
import { makeProbabilities } from "./probabilities.js";
import { makeResult } from "./result.js";
import { readFragment, writeFragment } from "./setting.js";
import { makeSurvey } from "./survey.js";
import { makeTabs } from "./tabs.js";
import { startTheme } from "./theme.js";
import { makeTurns } from "./turn.js";

const TYPING_MS = 120;
const LIVE_MS = 40;
const ADDRESS_MS = 300;

const element = (id) => document.getElementById(id);

await loadTables();
addOptionFields(element("more-h"));
const setting = readFragment(location.hash);

function nameTables() {
  offerOptimizers(element("optimizer"), wordsFor);
  nameOptions(element("landscape"), wordsFor);
}
onLanguage(nameTables);
startLanguage(element("language"));

const result = makeResult((isBusy) => {
  element("stop").disabled = !isBusy;
  element("result-card").setAttribute("aria-busy", String(isBusy));
});
const plane = makePlane(element("plane"), setting, {
  view() {
    survey.start(LIVE_MS);
    changed();
  },
  start() {
    showControls();
    descent.start();
    changed();
  },
});
const descent = makeDescent(setting, element("descent-card"), plane, result);
const survey = makeSurvey(setting, plane, element("function-card"), (isUsable) => {
  if (isUsable) {
    descent.start();
  } else {
    descent.clear();
  }
});

const FOLLOWS = {
  f: () => survey.start(TYPING_MS),
  arrows: plane.redraw,
  rates: () => compare(TYPING_MS),
};

function changedControl(name) {
  const follow = FOLLOWS[name] ?? (() => descent.start(LIVE_MS));
  follow();
  plane.redraw();
  changed();
}
const showControls = bindControls(element("landscape"), setting, changedControl);
const showProbabilities = makeProbabilities(element("probabilities"), setting, changed);
const showLossControls = bindControls(element("probabilities"), setting, () => {
  showProbabilities();
  changed();
});
const chooseTab = makeTabs(element("tabs"), (name) => {
  setting.tab = name;
  changed();
});
startTheme(element("theme"), () => {
  plane.redraw();
  result.redraw();
});

/** Show one path (`run`) or one for each learning rate (`sweep`). */
function show(kind, pauseMs) {
  setting.show = kind;
  descent.start(pauseMs);
  changed();
}
const compare = (pauseMs) => show("sweep", pauseMs);

element("landscape").addEventListener("submit", (event) => {
  event.preventDefault();
  show("run");
});
element("probabilities").addEventListener("submit", (event) => event.preventDefault());
element("compare").addEventListener("click", () => compare());
element("stop").addEventListener("click", descent.stop);
element("zoom-in").addEventListener("click", plane.zoomIn);
element("zoom-out").addEventListener("click", plane.zoomOut);
element("zoom-home").addEventListener("click", plane.home);

const readout = element("readout");
element("plane").addEventListener("pointermove", ({ offsetX, offsetY }) => {
  readout.textContent = plane.describe([offsetX, offsetY]);
});
element("plane").addEventListener("pointerleave", () => {
  readout.textContent = "";
});

const example = element("example");
function nameExamples() {
  const names = [...Object.keys(FUNCTIONS), "own"];
  example.replaceChildren(...names.map((name) => new Option(words(name), name)));
  example.value = nameOf(setting.f);
}
nameExamples();
onLanguage(nameExamples);
example.addEventListener("change", () => {
  if (example.value === "own") {
    element("f").select();
    return;
  }
  const { text, view, run } = FUNCTIONS[example.value];
  Object.assign(setting, { f: text, show: "run" }, view, run);
  refresh();
});

/** Show the whole setting. */
function refresh() {
  chooseTab(setting.tab);
  showControls();
  showLossControls();
  example.value = nameOf(setting.f);
  survey.restart();
  showProbabilities();
  changed();
}

const addressTurns = makeTurns();
function changed() {
  example.value = nameOf(setting.f);
  addressTurns.take(() => history.replaceState(null, "", `#${writeFragment(setting)}`), ADDRESS_MS);
}

bindCopy(element("copy-link"), "copyLink", () => {
  const url = new URL(document.baseURI);
  url.hash = writeFragment(setting);
  return url.href;
});
window.addEventListener("hashchange", () => {
  Object.assign(setting, readFragment(location.hash));
  refresh();
});

refresh();
element("unloaded").remove();
