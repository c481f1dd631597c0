/** A request without a seed gets one, which its details tell, so that its text can be generated again. */
export function drawSeed(): number {
  const [seed = 0] = crypto.getRandomValues(new Uint32Array(1));
  return seed;
}
