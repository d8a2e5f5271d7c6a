// The API page: Swagger UI shows the service's own document.

/* global SwaggerUIBundle */

import { keepLabelled } from "./labels.js";
import { palette } from "./palette.js";
import { startTheme } from "./theme.js";

const paint = () => document.documentElement.classList.toggle("dark-mode", palette().isDark);
startTheme(document.getElementById("theme"), paint);
paint();

const response = await fetch("openapi.json");
const spec = await response.json();
// What is tried goes to the service that this page came from, wherever it runs.
spec.servers = [{ url: new URL(".", document.baseURI).href.replace(/\/$/, "") }];
// An example is sent with every try-out, so that all of them would carry one request id.
for (const parameter of Object.values(spec.components.parameters).filter((each) => each.in === "header")) {
  delete parameter.example;
  delete parameter.schema.example;
}

const place = document.getElementById("document");
keepLabelled(place);
SwaggerUIBundle({
  spec,
  domNode: place,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  onComplete: () => document.getElementById("unloaded").remove(),
});
