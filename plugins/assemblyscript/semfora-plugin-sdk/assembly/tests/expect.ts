/** Ends the test where the texts differ. */
export function expect(got: string, wanted: string, about: string = ""): void {
  if (got != wanted) throw new Error(`${about}: got ${got}, wanted ${wanted}`);
}
