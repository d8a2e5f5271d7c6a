// How the JavaScript of the pages is held: ESLint's own rules, and this house's.

import js from "@eslint/js";

const BROWSER = [
  "AbortController", "ImageData", "MutationObserver", "Option", "Path2D", "ResizeObserver", "TextDecoderStream", "URL", "URLSearchParams",
  "WheelEvent", "cancelAnimationFrame", "clearTimeout", "document", "fetch", "history", "localStorage", "location", "navigator", "performance",
  "requestAnimationFrame", "setTimeout", "structuredClone", "window",
];

export default [
  js.configs.recommended,
  {
    files: ["**/*.js"],
    linterOptions: { reportUnusedDisableDirectives: "error" },
    languageOptions: {
      ecmaVersion: 2024,
      sourceType: "module",
      globals: Object.fromEntries(BROWSER.map((name) => [name, "readonly"])),
    },
    rules: {
      "complexity": ["error", 8],
      "consistent-return": "error",
      "curly": "error",
      "eqeqeq": "error",
      "max-len": ["error", { code: 120 }],
      "max-lines": ["error", 250],
      "max-lines-per-function": ["error", { max: 80, skipBlankLines: true, skipComments: true }],
      "no-alert": "error",
      "no-console": "error",
      "no-eval": "error",
      "no-implicit-coercion": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-param-reassign": "error",
      "no-restricted-properties": [
        "error",
        ...["innerHTML", "outerHTML", "insertAdjacentHTML"].map((property) => ({
          property,
          message: "What is shown is text: textContent, append or replaceChildren.",
        })),
      ],
      "no-shadow": "error",
      "no-use-before-define": ["error", { functions: false, variables: false }],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
    },
  },
  {
    files: ["tests/**"],
    languageOptions: { globals: { process: "readonly" } },
  },
];
