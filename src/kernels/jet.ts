/**
 * Directional Taylor jets: a value with its first, or first and second, derivatives along a few directions.
 *
 * A jet tensor has shape [channels, batch, width]. Channel 0 is the value, which all directions share; in order 1 channel
 * 1 + j is the derivative along direction j, in order 2 channels 1 + 2j and 2 + 2j are the first and the second.
 * Source: docs/mathematics.md, "Derivatives with respect to inputs".
 */
export interface JetLayout {
  /** 1 to 6 */
  readonly directions: number;
  /** Highest derivative carried. */
  readonly order: 1 | 2;
}

export const MAX_DIRECTIONS = 6;

/** Number of channels of a jet tensor. */
export function jetChannels({ directions, order }: { readonly directions: number; readonly order: number }): number {
  return 1 + order * directions;
}
