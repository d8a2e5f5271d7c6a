// What lies under the paths, drawn once and copied while only they move: 60 frames a second need it.

import { palette } from "./palette.js";

/** Make a backdrop; `draw(context, size, parts, paint)` paints it anew when one of the parts has changed. */
export function makeBackdrop() {
  const canvas = document.createElement("canvas");
  let last = [];

  return {
    draw(context, size, parts, paint) {
      const { width, height } = context.canvas;
      const now = [...parts, width, height, size.width, size.height, palette().isDark];
      if (now.length !== last.length || now.some((part, index) => part !== last[index])) {
        last = now;
        canvas.width = width;
        canvas.height = height;
        const own = canvas.getContext("2d");
        own.scale(width / size.width, height / size.height);
        paint(own);
      }
      context.drawImage(canvas, 0, 0, size.width, size.height);
    },
  };
}
