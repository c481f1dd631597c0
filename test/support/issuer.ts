import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";

/** An OpenID Connect issuer over HTTP on this machine, whose tokens jose signs. */
export interface Issuer {
  readonly url: string;
  /** Paths that were requested, in their order. */
  readonly requests: string[];
  /** Answers in its place, until it is `undefined` again. */
  answer: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  /** Public keys of the key set, which a test may change. */
  keys: JWK[];
  /** Signs with a new key, of which the key set has the public one. */
  rotate(kid: string, alg?: string): Promise<void>;
  /** A token of the audience `onnxflare` that expires in an hour. */
  sign(claims?: JWTPayload, header?: { kid?: string; typ?: string }): Promise<string>;
  close(): Promise<void>;
}

export const AUDIENCE = "onnxflare";

/** @param keysPath of the key set; without a discovery document if it is another one than that document names */
export async function startIssuer(keysPath = "/keys"): Promise<Issuer> {
  const requests: string[] = [];
  let signer: { readonly kid: string; readonly alg: string; readonly key: CryptoKey } | undefined;
  const server = createServer((request, response) => {
    requests.push(request.url ?? "");
    if (issuer.answer) return issuer.answer(request, response);
    const documents: Record<string, unknown> = {
      "/.well-known/openid-configuration": {
        issuer: issuer.url,
        jwks_uri: `${issuer.url}${keysPath}`,
      },
      [keysPath]: { keys: issuer.keys },
    };
    const document = documents[request.url ?? ""];
    response.writeHead(document ? 200 : 404, { "content-type": "application/json" });
    response.end(JSON.stringify(document ?? {}));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const issuer: Issuer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: undefined,
    keys: [],
    async rotate(kid, alg = "ES256") {
      const { publicKey, privateKey } = await generateKeyPair(alg);
      signer = { kid, alg, key: privateKey };
      issuer.keys.push({ ...(await exportJWK(publicKey)), kid, alg, use: "sig" });
    },
    async sign(claims = {}, header = {}) {
      if (!signer) throw new Error("the issuer has no key: call rotate");
      const { kid, alg, key } = signer;
      const inOneHour = Math.floor(Date.now() / 1000) + 3600;
      return new SignJWT({
        iss: issuer.url,
        aud: AUDIENCE,
        sub: "alice",
        exp: inOneHour,
        ...claims,
      })
        .setProtectedHeader({ alg, kid, typ: "JWT", ...header })
        .sign(key);
    },
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
  await issuer.rotate("first");
  return issuer;
}
