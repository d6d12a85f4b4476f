/** A sea at morning: swell behind swell, bright under the sun, and a path of glitter. */
import { between, oneOf } from './chance.js';
import type { Chance } from './chance.js';
import { backdrop, blend, disc, height, land, line, linear, radial, scene, width } from './shapes.js';
import type { Point } from './shapes.js';

interface Palette {
  readonly sky: readonly [string, string];
  readonly sun: string;
  readonly far: string;
  readonly near: string;
}

const palettes: readonly [Palette, ...Palette[]] = [
  { sky: ['#7fb7c9', '#fbe6c4'], sun: '#fffaea', far: '#9cc9c4', near: '#0d3b4f' },
  { sky: ['#8f8fc4', '#ffd3b8'], sun: '#fff4e2', far: '#c3a9bf', near: '#1d2c55' },
  { sky: ['#5d9fb0', '#e9f0d2'], sun: '#fffff2', far: '#8cc7b0', near: '#073a3c' },
];
const swells = 9;
const glints = 120;

export function waves(chance: Chance): string {
  const { sky, sun, far, near } = oneOf(chance, palettes);
  const horizon = height * between(chance, 0.36, 0.44);
  const centre = { x: width * between(chance, 0.25, 0.75), y: horizon - height * between(chance, 0.08, 0.2) };
  const definitions = [
    linear('sky', [
      [0, sky[0]],
      [horizon / height, sky[1]],
    ]),
    radial('glow', [
      [0, sun, 0.9],
      [0.2, sun, 0.35],
      [1, sun, 0],
    ]),
  ];
  const shapes = [backdrop('url(#sky)'), disc(centre, 260, 'url(#glow)'), disc(centre, 22, sun)];
  shapes.push(
    land(
      [
        { x: -2, y: horizon },
        { x: width + 2, y: horizon },
      ],
      far,
    ),
  );
  for (let swell = 0; swell < swells; swell++) {
    const closeness = (swell + 1) / swells;
    const crest = blend(far, near, closeness ** 0.9);
    const points = swellLine(chance, horizon + (height - horizon) * closeness ** 1.7 * 0.9, closeness);
    definitions.push(
      linear(`swell${swell}`, [
        [0, blend(crest, sun, 0.16)],
        [0.3, crest],
        [1, blend(crest, near, 0.7)],
      ]),
    );
    shapes.push(land(points, `url(#swell${swell})`), line(points, sun, 0.8 + 1.4 * closeness, 0.32));
    shapes.push(...glitter(chance, centre.x, points, sun, closeness));
  }
  return scene(definitions, shapes);
}

function swellLine(chance: Chance, y: number, closeness: number): Point[] {
  const length = between(chance, 60, 90) * (0.5 + 2.6 * closeness);
  const phases = [chance() * 6.3, chance() * 6.3] as const;
  const rise = 1.5 + 16 * closeness ** 1.4;
  return Array.from({ length: 49 }, (_, index) => {
    const x = (index / 48) * (width + 4) - 2;
    const wave = Math.sin((x / length) * 2 + phases[0]) + 0.5 * Math.sin((x / length) * 0.9 + phases[1]);
    return { x, y: y - wave * rise };
  });
}

/** Under the sun and widening towards us, as light lies on water. */
function glitter(
  chance: Chance,
  x: number,
  points: readonly Point[],
  sun: string,
  closeness: number,
): string[] {
  const spread = 26 + 120 * closeness;
  const shapes: string[] = [];
  for (let glint = 0; glint < glints / swells; glint++) {
    const from = x + between(chance, -1, 1) * between(chance, 0, 1) * spread;
    const base = points.reduce((best, point) =>
      Math.abs(point.x - from) < Math.abs(best.x - from) ? point : best,
    );
    const y = base.y + between(chance, 2, 10 + 34 * closeness);
    const long = between(chance, 4, 9 + 20 * closeness);
    const ends = [
      { x: from - long / 2, y },
      { x: from + long / 2, y },
    ];
    shapes.push(line(ends, sun, 0.8 + 1.6 * closeness, between(chance, 0.25, 0.7)));
  }
  return shapes;
}
