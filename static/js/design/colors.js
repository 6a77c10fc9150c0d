// Contrast by WCAG 2 and the nearest colour that is readable: the browser's half of leadforms/colors.py.
// leadforms/tests/colors.json holds both to the same answers. Colours are "#rrggbb", lower case.

export const READABLE = 4.5;
const STEPS = 400;

export const isColor = (text) => /^#[0-9a-f]{6}$/.test(text);

// What was typed, in its one spelling: three digits and a missing # are understood.
export const readColor = (typed) => {
  const text = typed.trim().toLowerCase();
  const short = /^#?([0-9a-f]{3})$/.exec(text);
  if (short) return `#${[...short[1]].map((digit) => digit + digit).join("")}`;
  return text && !text.startsWith("#") ? `#${text}` : text;
};

const channels = (color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16) / 255);

const linear = (color) => channels(color).map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));

const luminance = (color) => {
  const [red, green, blue] = linear(color);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};

export const contrast = (one, other) => {
  const [darker, lighter] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
};

const passes = (color, grounds) => grounds.every((ground) => contrast(color, ground) >= READABLE);

const toOklch = (color) => {
  const [red, green, blue] = linear(color);
  const long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3);
  const medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3);
  const short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3);
  const a = 1.9779984951 * long - 2.428592205 * medium + 0.4505937099 * short;
  const b = 0.0259040371 * long + 0.7827717662 * medium - 0.808675766 * short;
  const lightness = 0.2104542553 * long + 0.793617785 * medium - 0.0040720468 * short;
  return [lightness, Math.hypot(a, b), Math.atan2(b, a)];
};

const fromOklab = (lightness, a, b) => {
  const long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const short = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
    -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
    -0.0041960863 * long - 0.7034186147 * medium + 1.707614701 * short,
  ];
};

const encode = (channel) => (channel <= 0.0031308 ? channel * 12.92 : 1.055 * channel ** (1 / 2.4) - 0.055);

const fromOklch = (lightness, chroma, hue) => {
  let rgb;
  for (let part = 20; part >= 0; part--) {
    const kept = (chroma * part) / 20;
    rgb = fromOklab(lightness, kept * Math.cos(hue), kept * Math.sin(hue));
    if (rgb.every((channel) => channel >= -0.0001 && channel <= 1.0001)) break;
  }
  const bytes = rgb.map((channel) => Math.floor(encode(Math.min(1, Math.max(0, channel))) * 255 + 0.5));
  return `#${bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
};

// The colour of the same hue, nearest in lightness, that is readable on every ground; null where there is none.
export const nearestPassing = (color, grounds) => {
  if (passes(color, grounds)) return color;
  const [lightness, chroma, hue] = toOklch(color);
  for (let step = 1; step <= STEPS; step++) {
    for (const moved of [lightness - step / STEPS, lightness + step / STEPS]) {
      if (moved <= -1 / STEPS || moved >= 1 + 1 / STEPS) continue;
      const candidate = fromOklch(Math.min(1, Math.max(0, moved)), chroma, hue);
      if (passes(candidate, grounds)) return candidate;
    }
  }
  return null;
};
