import { Recommendation } from "./recommendation";

let reason: string | null = null;

/**
 * The plugin cannot go on, for instance because of its configuration. The user reads the text; what the plugin returns
 * is not used. The first reason counts.
 *
 * @returns Nothing found, so that a plugin can `return fail("…")`.
 */
export function fail(text: string): Recommendation[] {
  if (reason === null) reason = text;
  return [];
}

/** The reason that was given, which is forgotten. */
export function takeFailure(): string | null {
  const text = reason;
  reason = null;
  return text;
}
