// Numbers as a reader wants them: few digits, a true minus sign.

/** At most `digits` significant digits, powers of ten where a number is very large or small. */
export function short(value, digits = 6) {
  if (value === 0) {
    return "0";
  }
  const size = Math.abs(value);
  const isPlain = size >= 1e-4 && size < 1e7;
  const text = isPlain ? String(Number(value.toPrecision(digits))) : value.toExponential(Math.min(digits, 4) - 1);
  return text.replace(/\.?0+e/, "e").replace("e+", "e").replaceAll("-", "−");
}

/** A point's coordinates. */
export function pair(point, digits) {
  return `(${point.map((each) => short(each, digits)).join(", ")})`;
}
