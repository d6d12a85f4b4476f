/** What was opened, to be closed in the opposite order, all of it, even if some of it fails. */
export class Closing {
  readonly #closers: { readonly what: string; readonly close: () => unknown }[] = [];

  /** `what` names it where closing fails. */
  add(what: string, close: () => unknown): void {
    this.#closers.push({ what, close });
  }

  /** Tells of what could not be closed. */
  async close(failed: (what: string, error: unknown) => void): Promise<void> {
    for (let closer = this.#closers.pop(); closer; closer = this.#closers.pop()) {
      try {
        await closer.close();
      } catch (error) {
        failed(closer.what, error);
      }
    }
  }
}
