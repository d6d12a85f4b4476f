/** What is typed behind the options of cases, read as commander asks for it. */
import { InvalidArgumentError } from 'commander';

/** A whole number above 0. @throws InvalidArgumentError */
export function countOf(typed: string): number {
  const count = Number(typed);
  if (Number.isInteger(count) && count > 0) return count;
  throw new InvalidArgumentError('It must be a whole number above 0.');
}

/** Whole numbers above 0 with commas between. @throws InvalidArgumentError */
export function countsOf(typed: string): readonly number[] {
  return typed.split(',').map(countOf);
}

/** Some of these names, with commas between. @throws InvalidArgumentError */
export function someOf(names: readonly string[]): (typed: string) => readonly string[] {
  return (typed) => {
    const some = typed.split(',');
    if (some.every((name) => names.includes(name))) return some;
    throw new InvalidArgumentError(`They must be of: ${names.join(',')}.`);
  };
}
