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

/** What the page itself finds wrong with an answer: the words for it, and what they name. */
export class Unusable extends Error {
  constructor(key, values = {}) {
    super(key);
    this.key = key;
    this.values = values;
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
    const found = read(await arrived(response.text(), signal), response);
    throw typeof found?.detail === "string" ? new Problem(found, body) : foreign(response.status);
  }
  return response;
}

/** Read JSON. What is none was cut short, or comes from something in between, a proxy with a page of its own. */
function read(text, { status, headers }) {
  try {
    return JSON.parse(text);
  } catch {
    throw headers.get("Content-Type")?.includes("json") ? new Unusable("brokenOff") : foreign(status);
  }
}

const foreign = (status) => new Unusable("foreign", { status });

/**
 * Ask for an answer. Throws Problem for a refusal, Unusable for what is not the service's, TypeError when the
 * service cannot be reached.
 */
export async function ask(path, body, signal) {
  const response = await send(path, body, signal, "application/json");
  return read(await arrived(response.text(), signal), response);
}

/** Ask for an answer that is computed for long: `onProgress` gets every line but the last, which is returned. */
export async function follow(path, body, signal, onProgress) {
  const response = await send(path, body, signal, "application/x-ndjson");
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let answer = null;
  const next = () => arrived(reader.read(), signal);
  for (let part = await next(); !part.done; part = await next()) {
    const lines = (rest + part.value).split("\n");
    rest = lines.pop();
    for (const line of lines.filter(Boolean).map((text) => read(text, response))) {
      // Only the answer, or the problem that came in between, has a status.
      if ("status" in line) {
        answer = line;
      } else {
        onProgress(line);
      }
    }
  }
  if (!answer) {
    throw new Unusable("brokenOff");
  }
  if ("code" in answer) {
    throw new Problem(answer, body);
  }
  return answer;
}

/** Wait for a part of an answer; the connection may break before it is there. */
async function arrived(part, signal) {
  try {
    return await part;
  } catch (error) {
    throw signal.aborted ? error : new Unusable("brokenOff");
  }
}

/** The same request as a line for a shell. */
export function curlLine({ path, body }) {
  const url = new URL(path, document.baseURI);
  url.hash = "";
  const text = JSON.stringify(body).replaceAll("'", "'\\''");
  return `curl ${url} -H 'Content-Type: application/json' -d '${text}'`;
}
