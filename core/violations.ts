/** The rules that the contracts carry for their fields (protovalidate), applied to a message. */
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { pathToString } from '@bufbuild/protobuf/reflect';
import { createValidator } from '@bufbuild/protovalidate';
import type { Validator } from '@bufbuild/protovalidate';

/** A field that breaks its rules: its path in the message, and what is wrong with it. */
export interface Violation {
  readonly field: string;
  readonly description: string;
}

/** Enough to mend a message; a hostile one could break thousands. */
const violationsMax = 8;
let validator: Validator | undefined;

/** The first few fields that break the rules of their contract; none if the message obeys them all. */
export function violationsOf<M extends DescMessage>(schema: M, message: MessageShape<M>): Violation[] {
  validator ??= createValidator();
  const result = validator.validate(schema, message);
  if (result.kind === 'error') throw result.error;
  return (result.violations ?? []).slice(0, violationsMax).map((violation) => ({
    field: pathToString(violation.field),
    description: violation.message,
  }));
}

/** The violations in one line, for people. */
export function inWords(violations: readonly Violation[]): string {
  return violations.map(({ field, description }) => `${field}: ${description}`).join('; ');
}
