/** Writes what a case found: as JSON for programs, as Markdown for people, and its charts beside them. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Cell, Report, Table, Target } from './case.js';
import type { Machine } from './machine.js';
import { plain } from './spread.js';

/** A report, and where it comes from. */
export interface Result extends Report {
  readonly name: string;
  readonly summary: string;
  readonly quick: boolean;
  readonly command: string;
  readonly date: string;
  readonly commit: string;
  readonly machine: Machine;
  readonly tookSeconds: number;
}

export async function writeResult(folder: string, result: Result): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { charts = [], ...rest } = result;
  const json = { ...rest, charts: charts.map(({ name }) => chartFile(result, name)) };
  const file = (extension: string) => path.join(folder, `${resultName(result)}.${extension}`);
  await writeFile(file('json'), `${JSON.stringify(json, null, 2)}\n`);
  await writeFile(file('md'), markdown(result));
  for (const { name, svg } of charts) await writeFile(path.join(folder, chartFile(result, name)), svg);
}

/** The whole result. */
export function markdown(result: Result): string {
  const { machine, charts = [], targets = [], notes = [] } = result;
  const paragraphs = [
    `# ${resultName(result)}\n\n${result.summary}`,
    `\`${result.command}\`, ${result.date}, commit ${result.commit}, ${plain(result.tookSeconds)} s. ` +
      `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.kernel}, Node ${machine.node}; ` +
      `load before: ${machine.loadBefore}.`,
    ...(result.quick ? ['A quick run: its figures of time mean nothing.'] : []),
    ...result.tables.map(tableOf),
    ...(targets.length > 0 ? [tableOf(targetsTable(targets, result.quick))] : []),
    ...charts.map(({ name }) => `![${name}](${chartFile(result, name)})`),
    ...(notes.length > 0 ? [`## Notes\n\n${notes.map((note) => `- ${note}`).join('\n')}`] : []),
  ];
  return `${paragraphs.join('\n\n')}\n`;
}

function targetsTable(targets: readonly Target[], quick: boolean): Table {
  const verdict = (met: boolean) => (quick ? 'not judged' : met ? 'met' : '**missed**');
  return {
    title: 'Targets',
    columns: ['what', 'target', 'measured', ''],
    rows: targets.map(({ what, target, measured, met }) => [what, target, measured, verdict(met)]),
  };
}

function tableOf({ title, columns, rows }: Table): string {
  const line = (cells: readonly Cell[]) => `| ${cells.map(cellOf).join(' | ')} |`;
  return [`## ${title}\n`, line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}

function cellOf(cell: Cell): string {
  return (typeof cell === 'number' ? plain(cell) : cell).replaceAll('|', '\\|').replaceAll('\n', ' ');
}

/** What its files are called, without their extensions. */
export function resultName({ name, variant }: Result): string {
  return variant === undefined ? name : `${name}-${variant}`;
}

function chartFile(result: Result, chartName: string): string {
  return `${resultName(result)}-${chartName}.svg`;
}
