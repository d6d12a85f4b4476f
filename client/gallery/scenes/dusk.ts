/** Mountains after sunset: range behind range, each paler than the one before it, under a moon and first stars. */
import { between, oneOf } from './chance.js';
import type { Chance } from './chance.js';
import { backdrop, blend, disc, height, land, linear, radial, ridge, scene, width } from './shapes.js';

interface Palette {
  readonly sky: readonly [string, string, string, string];
  readonly near: string;
}

const palettes: readonly [Palette, ...Palette[]] = [
  { sky: ['#141a3c', '#4b3b78', '#c06a84', '#f7b07e'], near: '#0b0d20' },
  { sky: ['#0e2238', '#2a5573', '#86a3a8', '#f3cfa4'], near: '#08131d' },
  { sky: ['#1d1235', '#5b2a63', '#c4526a', '#f59a5e'], near: '#12081b' },
];
const ranges = 6;
const stars = 90;

export function dusk(chance: Chance): string {
  const { sky, near } = oneOf(chance, palettes);
  const moon = { x: width * between(chance, 0.2, 0.8), y: height * between(chance, 0.14, 0.28) };
  const radius = between(chance, 15, 24);
  const definitions = [
    linear('sky', [
      [0, sky[0]],
      [0.34, sky[1]],
      [0.54, sky[2]],
      [0.68, sky[3]],
    ]),
    radial('glow', [
      [0, '#fff6e0', 0.5],
      [0.3, '#fff6e0', 0.14],
      [1, '#fff6e0', 0],
    ]),
  ];
  const shapes = [backdrop('url(#sky)'), ...night(chance), disc(moon, radius * 6, 'url(#glow)')];
  shapes.push(disc(moon, radius, '#fff6e0'));
  for (let range = 0; range < ranges; range++) {
    const closeness = range / (ranges - 1);
    const colour = blend(blend(sky[3], sky[1], 0.25 + 0.35 * closeness), near, closeness ** 0.8);
    const mist = blend(colour, sky[3], 0.55 * (1 - closeness));
    definitions.push(
      linear(`range${range}`, [
        [0, colour],
        [0.7, mist],
        [1, mist],
      ]),
    );
    const y = height * (0.56 + 0.38 * closeness ** 1.25);
    shapes.push(land(ridge(chance, y, 34 + 34 * closeness, 7, 0.53), `url(#range${range})`));
  }
  return scene(definitions, shapes);
}

function night(chance: Chance): string[] {
  return Array.from({ length: stars }, () => {
    const depth = chance() ** 1.6;
    const place = { x: width * chance(), y: height * 0.46 * depth };
    return disc(place, between(chance, 0.4, 1.25), '#fffaf0', between(chance, 0.25, 0.95) * (1 - depth));
  });
}
