/** Tables for people: a dim head, columns as wide as their widest cell, nothing at the end of a line. */
import { styleText } from 'node:util';

type Cell = string | number | boolean | null;

/** `nothing` is said instead of an empty table. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[], nothing: string): string {
  if (rows.length === 0) return nothing;
  const texts = rows.map((row) => row.map(cellText));
  const widths = head.map((title, at) => Math.max(title.length, ...texts.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  return [styleText('dim', line(head)), ...texts.map(line)].join('\n');
}

/** What is not known is a dash. */
function cellText(cell: Cell): string {
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no';
  return cell === null || cell === '' ? '-' : String(cell);
}

/** The beginning of an id: enough to name it here, and short enough to type. */
export function shortId(id: string): string {
  return id.slice(0, 12);
}

/** A time as people of this computer's zone read it; null: never, or not known. */
export function timeText(ms: number | null, none = '-'): string {
  return ms === null ? none : new Date(ms).toLocaleString('sv-SE').slice(0, 16);
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
