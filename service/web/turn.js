// Of requests of one kind only the newest counts.

/** Turns of one kind of work: each ends the one before, wherever that has got to. */
export function makeTurns() {
  let controller = new AbortController();

  /** End what is under way; `reason` is what its signal then has. */
  function end(reason = "overtaken") {
    controller.abort(reason);
  }

  /** After a pause, in which further turns can come, call `work(signal)`. */
  async function take(work, pauseMs = 0) {
    end();
    controller = new AbortController();
    const { signal } = controller;
    if (pauseMs > 0) {
      await new Promise((resume) => setTimeout(resume, pauseMs));
    }
    if (!signal.aborted) {
      await work(signal);
    }
  }

  return { take, end };
}
