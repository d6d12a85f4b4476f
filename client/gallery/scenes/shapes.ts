/** The few shapes that all scenes are made of, as SVG. Coordinates are pixels of a scene, y grows downwards. */
import { between } from './chance.js';
import type { Chance } from './chance.js';

export const width = 768;
export const height = 512;

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** `[offset from 0 to 1, colour, opacity]`. */
export type Stop = readonly [offset: number, colour: string, opacity?: number];

export function scene(definitions: readonly string[], shapes: readonly string[]): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">` +
    `<defs>${definitions.join('')}</defs>${shapes.join('')}</svg>`
  );
}

/** Between two points given as fractions of what it fills. */
export function linear(
  id: string,
  stops: readonly Stop[],
  from: Point = { x: 0, y: 0 },
  to: Point = { x: 0, y: 1 },
): string {
  const ends = `x1="${from.x}" y1="${from.y}" x2="${to.x}" y2="${to.y}"`;
  return `<linearGradient id="${id}" ${ends}>${stopsOf(stops)}</linearGradient>`;
}

export function radial(id: string, stops: readonly Stop[]): string {
  return `<radialGradient id="${id}">${stopsOf(stops)}</radialGradient>`;
}

function stopsOf(stops: readonly Stop[]): string {
  return stops
    .map(
      ([offset, colour, opacity = 1]) =>
        `<stop offset="${offset}" stop-color="${colour}" stop-opacity="${n(opacity)}"/>`,
    )
    .join('');
}

export function backdrop(fill: string): string {
  return `<rect width="${width}" height="${height}" fill="${fill}"/>`;
}

export function disc({ x, y }: Point, radius: number, fill: string, opacity = 1): string {
  return `<circle cx="${n(x)}" cy="${n(y)}" r="${n(radius)}" fill="${fill}" opacity="${n(opacity)}"/>`;
}

/** Everything below a line through the points, which go from edge to edge. */
export function land(points: readonly Point[], fill: string, opacity = 1): string {
  return `<path d="${smooth(points)} L${width + 2} ${height + 2} L-2 ${height + 2} Z" fill="${fill}" opacity="${n(opacity)}"/>`;
}

export function line(points: readonly Point[], stroke: string, thickness: number, opacity: number): string {
  return `<path d="${smooth(points)}" fill="none" stroke="${stroke}" stroke-width="${n(thickness)}" stroke-linecap="round" opacity="${n(opacity)}"/>`;
}

/** Catmull-Rom through the points, as cubic curves. */
export function smooth(points: readonly Point[]): string {
  const at = (index: number) => points[Math.max(0, Math.min(points.length - 1, index))]!;
  let path = `M${n(at(0).x)} ${n(at(0).y)}`;
  for (let index = 0; index < points.length - 1; index++) {
    const [before, from, to, after] = [at(index - 1), at(index), at(index + 1), at(index + 2)];
    const first = { x: from.x + (to.x - before.x) / 6, y: from.y + (to.y - before.y) / 6 };
    const second = { x: to.x - (after.x - from.x) / 6, y: to.y - (after.y - from.y) / 6 };
    path += `C${n(first.x)} ${n(first.y)} ${n(second.x)} ${n(second.y)} ${n(to.x)} ${n(to.y)}`;
  }
  return path;
}

/** A ridge from edge to edge: midpoints displaced, less at every halving. */
export function ridge(
  chance: Chance,
  y: number,
  relief: number,
  halvings: number,
  roughness: number,
): Point[] {
  let heights = [between(chance, -0.5, 0.5), between(chance, -0.5, 0.5)];
  let displaced = 1;
  for (let halving = 0; halving < halvings; halving++) {
    heights = heights.flatMap((one, index) => {
      const other = heights[index + 1];
      if (other === undefined) return [one];
      return [one, (one + other) / 2 + between(chance, -displaced, displaced)];
    });
    displaced *= roughness;
  }
  const step = (width + 4) / (heights.length - 1);
  return heights.map((rise, index) => ({ x: index * step - 2, y: y - rise * relief }));
}

/** The colour between two, `#rrggbb`. */
export function blend(one: string, other: string, share: number): string {
  const channel = (colour: string, at: number) => parseInt(colour.slice(at, at + 2), 16);
  const mixed = [1, 3, 5].map((at) =>
    Math.round(channel(one, at) * (1 - share) + channel(other, at) * share),
  );
  return `#${mixed.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
}

function n(value: number): string {
  return String(Math.round(value * 100) / 100);
}
