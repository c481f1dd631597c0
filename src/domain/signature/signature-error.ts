/** Why a signature is not one of a version. */
export class SignatureError extends Error {
  override readonly name = "SignatureError";
}
