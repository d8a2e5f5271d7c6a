// A canvas that is as sharp as the screen and drawn at most once a frame.

import { onPrint } from "./palette.js";

/** Draw on a canvas by `draw(context, size)` whenever asked, when its size changes and for paper. */
export function makeCanvas(element, draw, onResize = () => {}) {
  const context = element.getContext("2d");
  const size = { width: 0, height: 0 };
  let isAsked = false;

  function redraw() {
    isAsked = false;
    if (size.width > 0 && size.height > 0) {
      const ratio = element.width / size.width;
      // What one drawing sets, the next must not inherit: the same picture has the same pixels.
      context.save();
      context.scale(ratio, ratio);
      context.clearRect(0, 0, size.width, size.height);
      draw(context, size);
      context.restore();
    }
  }

  function ask() {
    if (!isAsked) {
      isAsked = true;
      requestAnimationFrame(redraw);
    }
  }

  function measure() {
    const { clientWidth, clientHeight } = element;
    const ratio = window.devicePixelRatio || 1;
    if (clientWidth === size.width && clientHeight === size.height && element.width === clientWidth * ratio) {
      return;
    }
    size.width = clientWidth;
    size.height = clientHeight;
    element.width = Math.round(clientWidth * ratio);
    element.height = Math.round(clientHeight * ratio);
    if (clientWidth > 0) {
      redraw();
      onResize(size);
    }
  }

  // The observer also tells the first size, when the page is laid out.
  new ResizeObserver(measure).observe(element);
  onPrint(redraw);
  return { ask, size };
}
