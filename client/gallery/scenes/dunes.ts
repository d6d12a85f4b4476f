/** Sand under a low sun: each crest falls from light into shadow, and the far ones into haze. */
import { between, oneOf } from './chance.js';
import type { Chance } from './chance.js';
import { backdrop, blend, disc, height, land, linear, radial, scene, width } from './shapes.js';
import type { Point } from './shapes.js';

interface Palette {
  readonly sky: readonly [string, string, string];
  readonly sun: string;
  readonly sand: string;
  readonly shade: string;
}

const palettes: readonly [Palette, ...Palette[]] = [
  { sky: ['#34618e', '#c9a98f', '#fbd9a0'], sun: '#fff3d0', sand: '#e9a763', shade: '#6e2f2b' },
  { sky: ['#5b4a7d', '#d98b86', '#fdc98b'], sun: '#ffe9c4', sand: '#dd8a5a', shade: '#4d2140' },
  { sky: ['#2f7a8c', '#a9c6b4', '#f7e2b5'], sun: '#fffbe8', sand: '#e3bd84', shade: '#7a4a35' },
];
const crests = 5;
/** Of a crest from edge to edge. */
const steps = 40;

export function dunes(chance: Chance): string {
  const { sky, sun, sand, shade } = oneOf(chance, palettes);
  const horizon = height * between(chance, 0.46, 0.54);
  const centre = { x: width * between(chance, 0.18, 0.82), y: horizon - height * between(chance, 0.1, 0.22) };
  const definitions = [
    linear('sky', [
      [0, sky[0]],
      [0.38, sky[1]],
      [0.62, sky[2]],
    ]),
    radial('glow', [
      [0, sun, 0.85],
      [0.25, sun, 0.35],
      [1, sun, 0],
    ]),
  ];
  const shapes = [backdrop('url(#sky)'), disc(centre, 300, 'url(#glow)'), disc(centre, 26, sun)];
  for (let crest = 0; crest < crests; crest++) {
    const near = crest / (crests - 1);
    const light = blend(sky[2], sand, 0.3 + 0.7 * near);
    const dark = blend(light, shade, 0.3 + 0.55 * near);
    const y = horizon + (height - horizon) * near ** 1.35 * 0.86;
    const points = crestLine(chance, y, 16 + 96 * near);
    definitions.push(
      linear(`light${crest}`, [
        [0, light],
        [1, blend(light, dark, 0.6)],
      ]),
      linear(`dark${crest}`, [
        [0, blend(light, dark, 0.75)],
        [1, dark],
      ]),
    );
    shapes.push(
      land(points, `url(#light${crest})`),
      land(leeOf(points, 30 + 130 * near), `url(#dark${crest})`),
    );
  }
  return scene(definitions, shapes);
}

/** Few and wide, and steeper on one side: so the wind leaves them. */
function crestLine(chance: Chance, y: number, relief: number): Point[] {
  const waves = between(chance, 1.2, 2.2);
  const phase = chance() * Math.PI * 2;
  return Array.from({ length: steps + 1 }, (_, index) => {
    const along = index / steps;
    const turn = along * Math.PI * waves + phase;
    const rise = Math.sin(turn + 0.55 * Math.sin(turn)) + 0.18 * Math.sin(2.7 * turn + phase);
    return { x: along * (width + 4) - 2, y: y - rise * relief * 0.5 };
  });
}

/** Where the crest falls away from the wind, the shadow begins at it; where it climbs, far below. */
function leeOf(points: readonly Point[], depth: number): Point[] {
  return points.map(({ x, y }, index) => {
    const before = points[Math.max(0, index - 1)]!;
    const after = points[Math.min(points.length - 1, index + 1)]!;
    const falling = Math.max(-1, Math.min(1, ((after.y - before.y) / (after.x - before.x)) * 3));
    return { x, y: y + (depth * (1 - falling) ** 2) / 2 };
  });
}
