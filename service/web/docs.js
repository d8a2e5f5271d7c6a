// The API page: Swagger UI shows the service's own document.

/* global SwaggerUIBundle */

import { palette } from "./palette.js";
import { startTheme } from "./theme.js";

const paint = () => document.documentElement.classList.toggle("dark-mode", palette().isDark);
startTheme(document.getElementById("theme"), paint);
paint();

const response = await fetch("openapi.json");
const spec = await response.json();
// What is tried goes to the service that this page came from, wherever it runs.
spec.servers = [{ url: new URL(".", document.baseURI).href.replace(/\/$/, "") }];

SwaggerUIBundle({
  spec,
  domNode: document.getElementById("document"),
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
