// The page put together: its setting, what shows it, and what follows from each change.

import { bindCopy } from "./command.js";
import { bindControls } from "./controls.js";
import { MOST_ROWS, readData } from "./data.js";
import { makeDescent } from "./descent.js";
import { clearFaults, findUnread, showFault } from "./fault.js";
import { makeFits } from "./fit.js";
import { FUNCTIONS, nameOf } from "./functions.js";
import { makeHelp } from "./help.js";
import { keptOf, MOST_RUNS } from "./kept.js";
import { onLanguage, startLanguage, words, wordsFor } from "./language.js";
import { addOptionFields, loadTables, nameOptions, offerOptimizers } from "./options.js";
import { makePlane } from "./plane.js";
import { makePlayer } from "./player.js";
import { makeProbabilities } from "./probabilities.js";
import { makeResult } from "./result.js";
import { makeScatter } from "./scatter.js";
import { readFragment, writeFragment } from "./setting.js";
import { makeStarts } from "./starts.js";
import { makeSurvey } from "./survey.js";
import { makeTabs } from "./tabs.js";
import { startTheme } from "./theme.js";
import { makeTurns } from "./turn.js";

const TYPING_MS = 120;
const LIVE_MS = 40;
const ADDRESS_MS = 300;

const element = (id) => document.getElementById(id);

let repaint = () => {}; // until there are pictures
startTheme(element("theme"), () => repaint());
await loadTables();
addOptionFields(element("options"));
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
  turn: () => changed(),
  start() {
    showStarts();
    descent.start(LIVE_MS);
    changed();
  },
});
const scatter = makeScatter(element("scatter"));
const fits = makeFits(setting, scatter);
const player = makePlayer(setting, plane, fits.seek);
const descent = makeDescent(setting, element("descent-card"), result, {
  passing: player.pass,
  done(tracks) {
    player.show(tracks);
    fits.show(tracks);
  },
});
const survey = makeSurvey(setting, plane, element("function-card"), (isUsable) => {
  if (isUsable) {
    descent.start();
  } else {
    descent.clear();
  }
});
const showStarts = makeStarts(setting, (what) => {
  if (what === "axes") {
    showStarts();
    survey.restart();
    changed();
  } else {
    changedControl("start");
  }
});
onLanguage(showStarts);

function checkData() {
  const { fault } = readData(setting.data);
  clearFaults(element("data-card"));
  if (fault) {
    showFault(element("data-card"), "data", words("badData", { line: fault, most: MOST_ROWS }));
  }
  survey.restart();
}

const FOLLOWS = {
  f: () => survey.start(TYPING_MS),
  data: checkData,
  model: () => descent.start(TYPING_MS),
  batch: () => descent.start(TYPING_MS),
  arrows: plane.redraw,
  rates: () => compare(TYPING_MS),
  against: () => compare(),
};

function changedControl(name) {
  showStarts();
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
repaint = () => {
  plane.redraw();
  result.redraw();
  scatter.redraw();
};

/** Show one path (`run`) or several to compare (`sweep`). */
function show(kind, pauseMs) {
  setting.show = kind;
  descent.start(pauseMs);
  changed();
}
const compare = (pauseMs) => show("sweep", pauseMs);

/** Do what a button asks for, unless a field has a text that is no number: that comes first. */
function whereRead(act) {
  const unread = findUnread(element("descent-card"));
  if (unread) {
    unread.focus();
  } else {
    act();
  }
}

element("landscape").addEventListener("submit", (event) => {
  event.preventDefault();
  whereRead(() => {
    show("run");
    survey.retry();
  });
});
element("probabilities").addEventListener("submit", (event) => event.preventDefault());
element("compare").addEventListener("click", () => whereRead(compare));
element("stop").addEventListener("click", descent.stop);
element("go-on").addEventListener("click", descent.goOn);
element("keep").addEventListener("click", () => {
  setting.runs = [...setting.runs, keptOf(setting)].slice(-MOST_RUNS);
  setting.against = "kept";
  showControls();
  compare();
});
element("picture").addEventListener("click", () => {
  setting.picture = setting.picture === "surface" ? "plane" : "surface";
  showPicture();
  changed();
});
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

makeHelp(element("f"), element("f-names"), element("f-help"), () => {
  setting.f = element("f").value;
  changedControl("f");
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
  const { text, view, run, data = "", model = "" } = FUNCTIONS[example.value];
  Object.assign(setting, { f: text, data, model, batch: null, axes: [0, 1], show: "run" }, view, run);
  refresh();
});

function showPicture() {
  element("picture").setAttribute("aria-pressed", String(setting.picture === "surface"));
  plane.redraw();
}

/** Show the whole setting. */
function refresh() {
  chooseTab(setting.tab);
  showControls();
  showStarts();
  showPicture();
  showLossControls();
  element("data-card").open ||= setting.data !== "";
  element("more").open ||= setting.batch !== null;
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
// Since then the page may have written its own setting into the address.
window.addEventListener("hashchange", ({ newURL }) => {
  Object.assign(setting, readFragment(new URL(newURL).hash));
  refresh();
});

refresh();
element("unloaded").remove();
