// Hands on the plane: wheel, pinch, drag, click and keys become zoom, pan and start.

const STILL_PIXELS = 6;
const KEY_PIXELS = 40;
const KEY_FACTOR = 1.25;

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const ZOOMS = { "+": 1 / KEY_FACTOR, "=": 1 / KEY_FACTOR, "-": KEY_FACTOR };

/**
 * Listen on an element. `on` has zoom(pixel, factor), pan(across, down), click(pixel), home(), nudge(across, down),
 * which moves the start, isGrip(pixel), which tells whether its marker is there, and drag(pixel) with it.
 *
 * A finger scrolls the page, as everywhere; on the marker it drags, and two fingers move and zoom the picture.
 */
export function listen(element, on) {
  listenToPointers(element, on);
  element.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      // A pinch on a touch pad comes as a wheel with Ctrl and small deltas.
      const strength = event.ctrlKey ? 0.01 : 0.0015;
      const delta = Math.max(-240, Math.min(240, event.deltaY * lines));
      on.zoom([event.offsetX, event.offsetY], Math.exp(delta * strength));
    },
    { passive: false },
  );
  element.addEventListener("keydown", (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.altKey && press(event, element, on)) {
      event.preventDefault();
    }
  });
}

function press(event, element, on) {
  const middle = [element.clientWidth / 2, element.clientHeight / 2];
  if (event.key in MOVES) {
    const [across, down] = MOVES[event.key].map((each) => each * KEY_PIXELS);
    event.shiftKey ? on.nudge(across / 4, down / 4) : on.pan(-across, -down);
  } else if (event.key in ZOOMS) {
    on.zoom(middle, ZOOMS[event.key]);
  } else if (event.key === "0") {
    on.home();
  } else if (event.key === "Enter") {
    on.click(middle);
  } else {
    return false;
  }
  return true;
}

function listenToPointers(element, on) {
  const pointers = new Map();
  let travelled = 0;
  let wasPinched = false;
  let isDragged = false;

  element.addEventListener("touchstart", (event) => keepFromScrolling(event, element, on), { passive: false });
  element.addEventListener("pointerdown", (event) => {
    if (event.button === 0) {
      element.setPointerCapture(event.pointerId);
      travelled = pointers.size ? travelled : 0;
      wasPinched = pointers.size > 0;
      isDragged = !wasPinched && on.isGrip([event.offsetX, event.offsetY]);
      pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
    }
  });
  element.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) {
      return;
    }
    const now = [event.offsetX, event.offsetY];
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    pointers.set(event.pointerId, now);
    travelled += Math.hypot(now[0] - before[0], now[1] - before[1]);
    if (other) {
      pinch(before, now, other, on);
    } else if (travelled > STILL_PIXELS) {
      isDragged ? on.drag(now) : on.pan(now[0] - before[0], now[1] - before[1]);
    }
  });
  const end = (event) => {
    const isClick = pointers.delete(event.pointerId) && travelled <= STILL_PIXELS && !wasPinched && !isDragged;
    if (isClick && event.type === "pointerup") {
      on.click([event.offsetX, event.offsetY]);
    }
  };
  element.addEventListener("pointerup", end);
  element.addEventListener("pointercancel", end);
}

function keepFromScrolling(event, element, on) {
  const { left, top } = element.getBoundingClientRect();
  const [touch] = event.touches;
  if (event.touches.length > 1 || on.isGrip([touch.clientX - left, touch.clientY - top])) {
    event.preventDefault();
  }
}

function pinch(before, now, other, on) {
  const middle = [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2];
  const was = Math.hypot(before[0] - other[0], before[1] - other[1]);
  const is = Math.hypot(now[0] - other[0], now[1] - other[1]);
  on.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
  if (was > 0 && is > 0) {
    on.zoom(middle, was / is);
  }
}
