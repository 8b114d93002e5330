/** A faster way to the same bits, fetched when it is first wanted; nothing where an engine or a page does not allow it. */
export class Faster<Way> {
  way?: Way;
  readonly #fetch: () => Promise<Way | undefined>;
  #fetching?: Promise<void>;

  constructor(fetch: () => Promise<Way | undefined>) {
    this.#fetch = fetch;
  }

  /** Sets `way`, once; what could not be fetched is asked for again the next time. */
  readonly prepare = (): Promise<void> => {
    this.#fetching ??= this.#fetch().then(
      (way) => {
        this.way = way;
      },
      (error) => {
        this.#fetching = undefined;
        throw error;
      },
    );
    return this.#fetching;
  };
}
