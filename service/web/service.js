// The service: every number on the page comes from its public API.

/** A refusal of the service's, as problem+json tells it. */
export class Problem extends Error {
  constructor(document, body) {
    super(document.detail);
    this.body = body;
    this.code = document.code;
    this.faults = document.errors?.length ? document.errors : [{ pointer: "", detail: document.detail }];
  }
}

async function send(path, body, signal, accept) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: accept },
    body: JSON.stringify(body),
    signal,
  });
  if (!response.ok) {
    const text = await response.text();
    throw new Problem(readProblem(text, response.status), body);
  }
  return response;
}

/** A proxy in between may answer with a page of its own. */
function readProblem(text, status) {
  try {
    return JSON.parse(text);
  } catch {
    return { detail: `HTTP ${status}`, code: "unknown", errors: [] };
  }
}

/** Ask for an answer. Throws Problem for a refusal, TypeError when the service cannot be reached. */
export async function ask(path, body, signal) {
  const response = await send(path, body, signal, "application/json");
  return response.json();
}

/** Ask for an answer that is computed for long: `onProgress` gets every line but the last, which is returned. */
export async function follow(path, body, signal, onProgress) {
  const response = await send(path, body, signal, "application/x-ndjson");
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let answer = null;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const lines = (rest + part.value).split("\n");
    rest = lines.pop();
    for (const line of lines.filter(Boolean).map((text) => JSON.parse(text))) {
      // Only the answer, or the problem that came in between, has a status.
      if ("status" in line) {
        answer = line;
      } else {
        onProgress(line);
      }
    }
  }
  if (!answer || "code" in answer) {
    throw new Problem(answer ?? { detail: "The stream broke off.", code: "unknown" }, body);
  }
  return answer;
}

/** The same request as a line for a shell. */
export function curlLine(path, body) {
  const url = new URL(path, document.baseURI);
  url.hash = "";
  const text = JSON.stringify(body).replaceAll("'", "'\\''");
  return `curl ${url} -H 'Content-Type: application/json' -d '${text}'`;
}
