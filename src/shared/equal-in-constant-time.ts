/**
 * Whether two texts are equal. The time depends on the length of the first one alone, and so tells whoever sent it nothing about the
 * other.
 */
export function equalInConstantTime(given: string, secret: string): boolean {
  const secretLength = secret.length;
  let difference = given.length ^ secretLength;
  let at = 0;
  for (let i = 0; i < given.length; i++) {
    difference |= given.charCodeAt(i) ^ secret.charCodeAt(at);
    at++;
    if (at >= secretLength) at = 0;
  }
  return difference === 0;
}
