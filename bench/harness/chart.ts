/** Draws curves as SVG, without anything that a browser or a page of Markdown lacks. Pure. */
import { plain } from './spread.js';

export interface Axis {
  readonly label: string;
  /** Each step is ten times the one before; figures must be above 0. */
  readonly logarithmic?: boolean;
}

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Curves {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
}

const size = { width: 720, height: 420 };
const plot = { left: 76, right: 520, top: 44, bottom: 364 };
/** Told apart by those who confuse red and green too: Okabe and Ito's colours. */
export const colours = [
  '#0072b2',
  '#d55e00',
  '#009e73',
  '#cc79a7',
  '#56b4e9',
  '#e69f00',
  '#000000',
  '#999999',
];

/** @throws RangeError without a point */
export function curves({ title, x, y, series }: Curves): string {
  const points = series.flatMap((each) => each.points);
  const across = scale(
    points.map(([at]) => at),
    x,
    plot.left,
    plot.right,
  );
  const up = scale(
    points.map(([, at]) => at),
    y,
    plot.bottom,
    plot.top,
  );
  return svg(size, [
    text(size.width / 2, 24, title, 'middle', 15),
    ...across.ticks.flatMap((tick) => [
      line(across.at(tick), plot.top, across.at(tick), plot.bottom),
      text(across.at(tick), plot.bottom + 18, plain(tick), 'middle'),
    ]),
    ...up.ticks.flatMap((tick) => [
      line(plot.left, up.at(tick), plot.right, up.at(tick)),
      text(plot.left - 8, up.at(tick) + 4, plain(tick), 'end'),
    ]),
    text((plot.left + plot.right) / 2, size.height - 16, x.label, 'middle'),
    `<g transform="rotate(-90 18 204)">${text(18, 204, y.label, 'middle')}</g>`,
    ...series.flatMap((each, index) => drawn(each, index, across.at, up.at)),
  ]);
}

interface Scale {
  readonly ticks: readonly number[];
  readonly at: (figure: number) => number;
}

/** From figures to places on the paper. A linear scale begins at 0. */
export function scale(figures: readonly number[], { logarithmic }: Axis, from: number, to: number): Scale {
  if (figures.length === 0) throw new RangeError('a chart of nothing');
  const ticks = logarithmic === true ? decades(figures) : steps(Math.max(...figures));
  const place = logarithmic === true ? Math.log10 : (figure: number) => figure;
  const [first, last] = [place(ticks[0]!), place(ticks.at(-1)!)];
  return { ticks, at: (figure) => from + ((place(figure) - first) / (last - first)) * (to - from) };
}

function decades(figures: readonly number[]): readonly number[] {
  const first = Math.floor(Math.log10(Math.min(...figures)));
  const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(...figures))));
  return Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
}

/** Some five round figures from 0 to the first that is not below the largest. */
function steps(largest: number): readonly number[] {
  const rough = largest > 0 ? largest / 5 : 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((each) => each >= rough * 0.999)!;
  const count = Math.max(1, Math.ceil((largest / step) * 0.999));
  return Array.from({ length: count + 1 }, (_, index) => index * step);
}

function drawn(
  { name, points }: Series,
  index: number,
  across: (x: number) => number,
  up: (y: number) => number,
): readonly string[] {
  const colour = colours[index % colours.length]!;
  const places = points.map(([x, y]) => [across(x).toFixed(1), up(y).toFixed(1)] as const);
  const path = places.map((place) => place.join(',')).join(' ');
  const keyY = plot.top + 10 + index * 20;
  return [
    `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ...places.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="3" fill="${colour}"/>`),
    `<rect x="${plot.right + 16}" y="${keyY - 8}" width="12" height="4" fill="${colour}"/>`,
    text(plot.right + 34, keyY, name, 'start'),
  ];
}

/** A white page with these parts on it. */
export function svg(
  { width, height }: { readonly width: number; readonly height: number },
  parts: readonly string[],
): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function line(x1: number, y1: number, x2: number, y2: number): string {
  const [left, top, right, bottom] = [x1, y1, x2, y2].map((place) => place.toFixed(1));
  return `<line x1="${left}" y1="${top}" x2="${right}" y2="${bottom}" stroke="#dddddd"/>`;
}

/** @param anchor start, middle or end: which part of the words is at x */
export function text(x: number, y: number, words: string, anchor: string, fontSize = 12): string {
  const safe = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" font-size="${fontSize}">${safe}</text>`;
}
