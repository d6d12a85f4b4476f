/** `hide`: how fast a payload becomes a picture, how large that is, and whether it shows. */
import sharp from 'sharp';
import type { BenchCase, Cell, Run } from '../harness/case.js';
import type { Measured } from '../harness/rounds.js';
import { seconds } from '../harness/rounds.js';
import { plain, withRange } from '../harness/spread.js';
import { hidden, subjectOf } from './core.js';
import type { Subject } from './core.js';
import { psnr, ssim } from './likeness.js';

const settings = ['fast', 'small'] as const;

export const hide: BenchCase = {
  name: 'hide',
  summary: 'Payloads hidden in the default cover: speed, size, and what shows.',
  async run(run) {
    const rows: Cell[][] = [];
    const rates = new Map<string, Measured>();
    let shownAlike = true;
    let expansionMax = 0;
    for (const megabytes of run.quick ? [0.2, 1] : [0.2, 1, 4, 10, 40]) {
      const subject = await subjectOf(megabytes * 1e6);
      run.note(`${megabytes} MB: core`);
      const measured = await core(run, subject);
      for (const [index, setting] of settings.entries()) {
        const carrier = Buffer.concat(await hidden(subject, setting));
        const { decibels, likeness } = await shown(carrier, subject);
        const expansion = carrier.length / subject.payload.length;
        shownAlike &&= decibels === Infinity && likeness === 1;
        if (setting === 'small') expansionMax = Math.max(expansionMax, expansion);
        rates.set(`${setting} ${megabytes}`, measured[index]!);
        rows.push([megabytes, setting, withRange(measured[index]!.spread), expansion, decibels, likeness]);
      }
    }
    if (!shownAlike) throw new Error('a carrier does not show its cover');
    const rate = rates.get(run.quick ? 'fast 1' : 'fast 4')!.spread;
    return {
      tables: [
        {
          title: 'Core: one thread, no network',
          columns: ['MB', 'setting', 'MB/s: median (min-max)', 'expansion', 'PSNR in dB', 'SSIM'],
          rows,
        },
      ],
      targets: [
        {
          what: 'core, fast, one core',
          target: '200 MB/s',
          measured: `${plain(rate.median)} MB/s`,
          met: rate.median >= 200,
        },
        { what: 'shown picture', target: 'identical', measured: 'identical', met: shownAlike },
        {
          what: 'expansion, small, default cover, at any size',
          target: 'at most 1.6',
          measured: plain(expansionMax),
          met: expansionMax <= 1.6,
        },
      ],
    };
  },
};

function core(run: Run, subject: Subject): Promise<readonly Measured[]> {
  const megabytes = subject.payload.length / 1e6;
  return run.interleave(
    settings.map((setting) => ({
      name: setting,
      measure: async () => megabytes / (await seconds(() => hidden(subject, setting))),
    })),
  );
}

/** What a program that knows nothing of payloads shows of a carrier, against its cover. */
async function shown(
  carrier: Uint8Array,
  { raster }: Subject,
): Promise<{ decibels: number; likeness: number }> {
  const { data, info } = await sharp(carrier).raw().toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new Error(`the carrier shows ${info.channels} channels`);
  const { width, height } = raster.shape;
  const plane = (samples: Uint8Array) => ({ width: 3 * width, height, samples });
  return { decibels: psnr(data, raster.samples), likeness: ssim(plane(data), plane(raster.samples)) };
}
