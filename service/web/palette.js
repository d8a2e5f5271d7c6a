// Colours of the pictures, for light and dark.

const LIGHT = {
  isDark: false,
  heat: ["#fffdf6", "#e9f1f4", "#c3dcea", "#93bfdc", "#6ba0cb"],
  paper: "#fffdf9",
  contour: "rgba(25, 55, 85, 0.42)",
  arrow: "rgba(20, 40, 60, 0.75)",
  ink: "#2b2730",
  faint: "rgba(43, 39, 48, 0.16)",
  halo: "rgba(255, 255, 255, 0.9)",
  kinds: ["#1f5f8b", "#b5521b"],
  force: { gradient: "#0b5d33", momentum: "#8a3ffc", step: "#161616" },
  paths: ["#b01c53", "#a84d00", "#17693c", "#5b35a8", "#00607a", "#6b4a1f", "#8a1fa0", "#3a3a3a"],
};

const DARK = {
  isDark: true,
  heat: ["#121621", "#182536", "#1f3a52", "#2a5570", "#3b738b"],
  paper: "#16151b",
  contour: "rgba(190, 220, 240, 0.34)",
  arrow: "rgba(225, 238, 248, 0.78)",
  ink: "#ece8ef",
  faint: "rgba(236, 232, 239, 0.18)",
  halo: "rgba(10, 10, 16, 0.85)",
  kinds: ["#7cc0ea", "#ff9d6b"],
  force: { gradient: "#7fe3a8", momentum: "#c9a6ff", step: "#ffffff" },
  paths: ["#ff8fb4", "#ffb066", "#7fdca4", "#c0a6ff", "#6fd3ee", "#e2c08d", "#f19cff", "#dddddd"],
};

const systemTheme = window.matchMedia("(prefers-color-scheme: dark)");
let isPrinting = false;

/** The palette in force: that of paper while printing, else the reader's choice, else the system's. */
export function palette() {
  const chosen = document.documentElement.dataset.theme;
  const isDark = chosen ? chosen === "dark" : systemTheme.matches;
  return isDark && !isPrinting ? DARK : LIGHT;
}

/** Call back when the palette becomes that of paper and when it is the screen's again. No frame is drawn between. */
export function onPrint(callback) {
  for (const name of ["beforeprint", "afterprint"]) {
    window.addEventListener(name, () => {
      isPrinting = name === "beforeprint";
      callback();
    });
  }
}

/** Call back when the system turns light or dark. */
export function onSystemTheme(callback) {
  systemTheme.addEventListener("change", callback);
}

/** Colour of the path number `index`. */
export function pathColour(index) {
  const { paths } = palette();
  return paths[index % paths.length];
}

/** Red, green and blue, each 0 to 255, for heights 0 to 1 in 256 steps. */
export function heatTable() {
  const stops = palette().heat.map((text) => [1, 3, 5].map((at) => Number.parseInt(text.slice(at, at + 2), 16)));
  return Array.from({ length: 256 }, (_, index) => {
    const place = (index / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(place), stops.length - 2);
    return stops[low].map((from, channel) => from + (stops[low + 1][channel] - from) * (place - low));
  });
}
