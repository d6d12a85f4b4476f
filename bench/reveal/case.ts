/** `reveal`: a carrier read and the cloud's lock opened, against hiding the same payload in the same run. */
import type { BenchCase, Cell, Target } from '../harness/case.js';
import { secondsEach } from '../harness/rounds.js';
import { plain, withRange } from '../harness/spread.js';
import { hidden, revealed, subjectOf } from '../hide/core.js';

const settings = ['fast', 'small'] as const;

export const reveal: BenchCase = {
  name: 'reveal',
  summary: 'Payloads taken out of their pictures and opened, against hiding them.',
  async run(run) {
    const rows: Cell[][] = [];
    const targets: Target[] = [];
    for (const megabytes of run.quick ? [0.2, 1] : [0.2, 1, 4, 10, 40]) {
      const subject = await subjectOf(megabytes * 1e6);
      for (const setting of settings) {
        run.note(`${megabytes} MB, ${setting}`);
        const carrier = Buffer.concat(await hidden(subject, setting));
        const read = Buffer.concat(await revealed(carrier, subject.payload.length));
        if (!read.equals(subject.payload)) throw new Error('what was revealed is not what was hidden');
        const rate = async (work: () => Promise<unknown>) => megabytes / (await secondsEach(work));
        const [hiding, revealing] = await run.interleave([
          { name: 'hide', measure: () => rate(() => hidden(subject, setting)) },
          { name: 'reveal', measure: () => rate(() => revealed(carrier, subject.payload.length)) },
        ]);
        const { ratio, spread } = revealing!;
        rows.push([megabytes, setting, withRange(hiding!.spread), withRange(spread), withRange(ratio)]);
        targets.push({
          what: `reveal over hide, ${megabytes} MB, ${setting}`,
          target: 'at least 1',
          measured: plain(ratio.median),
          met: ratio.median >= 1,
        });
      }
    }
    return {
      tables: [
        {
          title: 'Core: one band after the other, no network',
          columns: ['MB', 'setting', 'hide, MB/s: median (min-max)', 'reveal, MB/s', 'reveal over hide'],
          rows,
        },
      ],
      targets,
      notes: [
        'Revealing verifies every checksum of the picture, the digest that the rights bind, and every segment of the lock; the Adler-32 is not computed, since the checksums cover the same bytes.',
      ],
    };
  },
};
