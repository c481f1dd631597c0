"""test/fixtures/tokens/pyjwt.json: tokens by PyJWT and the cryptography package, and tokens of attackers.

The private keys are thrown away. Valid tokens expire in 2100. Each attack says in what it differs from a valid token.
"""

import base64
import hashlib
import hmac
import json
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER = "https://issuer.example/tenant"
AUDIENCE = "onnxflare"
ISSUED = 1_764_547_200
EXPIRES = 4_102_444_800
OUTPUT = Path(__file__).parent.parent / "test/fixtures/tokens/pyjwt.json"

CLAIMS = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "alice",
    "iat": ISSUED,
    "nbf": ISSUED,
    "exp": EXPIRES,
    "scope": "openid predict models:read",
    "groups": ["ml-team", "fraud"],
    "realm_access": {"roles": ["viewer", "deployer"]},
}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def part(value: object) -> str:
    return b64(json.dumps(value).encode())


def public_jwk(key, algorithm, kid: str, alg: str) -> dict:
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": kid, "alg": alg, "use": "sig"}


def pem(key) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def main() -> None:
    rsa_key = rsa.generate_private_key(65537, 2048)
    pss_key = rsa.generate_private_key(65537, 2048)
    ec_key = ec.generate_private_key(ec.SECP256R1())
    p384_key = ec.generate_private_key(ec.SECP384R1())
    ed_key = ed25519.Ed25519PrivateKey.generate()
    weak_key = rsa.generate_private_key(65537, 1024)
    other_key = rsa.generate_private_key(65537, 2048)
    shared = b"a secret that the key set gives away, of more than 32 bytes"

    rsa_jwk = public_jwk(rsa_key, RSAAlgorithm, "rsa", "RS256")
    keys = [
        rsa_jwk,
        public_jwk(pss_key, RSAAlgorithm, "pss", "PS256"),
        public_jwk(ec_key, ECAlgorithm, "ec", "ES256"),
        public_jwk(p384_key, ECAlgorithm, "p384", "ES384"),
        public_jwk(ed_key, OKPAlgorithm, "ed", "EdDSA"),
        public_jwk(weak_key, RSAAlgorithm, "weak", "RS256"),
        {"kty": "oct", "kid": "shared", "alg": "HS256", "use": "sig", "k": b64(shared)},
        {"kty": "oct", "kid": "rsa", "k": b64(shared)},
    ]

    def sign(changes=None, headers=None, key=rsa_key, alg="RS256", kid="rsa", without=()) -> str:
        claims = {name: value for name, value in {**CLAIMS, **(changes or {})}.items() if name not in without}
        # PyJWT checks the types of registered claims; attackers do not.
        header = {"alg": alg, "typ": "JWT", **({"kid": kid} if kid is not None else {}), **(headers or {})}
        header = {name: value for name, value in header.items() if value is not None}
        text = f"{part(header)}.{part(claims)}"
        algorithm = jwt.get_algorithm_by_name(alg)
        return f"{text}.{b64(algorithm.sign(text.encode(), algorithm.prepare_key(key)))}"

    def mac(secret: bytes, kid: str, alg="HS256") -> str:
        text = f"{part({'alg': alg, 'typ': 'JWT', 'kid': kid})}.{part(CLAIMS)}"
        digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[alg]
        return f"{text}.{b64(hmac.new(secret, text.encode(), digest).digest())}"

    def unsigned(alg: object, signature="") -> str:
        return f"{part({'alg': alg, 'typ': 'JWT', 'kid': 'rsa'})}.{part(CLAIMS)}.{signature}"

    good = jwt.encode(CLAIMS, rsa_key, algorithm="RS256", headers={"kid": "rsa"})
    head, body, signature = good.split(".")
    valid = {
        "RS256": good,
        "PS256": jwt.encode(CLAIMS, pss_key, algorithm="PS256", headers={"kid": "pss"}),
        "ES256": jwt.encode(CLAIMS, ec_key, algorithm="ES256", headers={"kid": "ec"}),
        "ES384": jwt.encode(CLAIMS, p384_key, algorithm="ES384", headers={"kid": "p384"}),
        "EdDSA": jwt.encode(CLAIMS, ed_key, algorithm="EdDSA", headers={"kid": "ed"}),
        "an access token (RFC 9068)": jwt.encode(
            CLAIMS, rsa_key, algorithm="RS256", headers={"kid": "rsa", "typ": "at+jwt"}
        ),
        "several audiences": sign({"aud": ["another", AUDIENCE]}),
        "no kid": sign(kid=None),
        "no typ": sign(headers={"typ": None}),
        "the URL of other keys, which nobody reads": sign(headers={"jku": "https://attacker.example/jwks"}),
        "no nbf and iat": sign(without=("nbf", "iat")),
    }

    attacker_jwk = public_jwk(other_key, RSAAlgorithm, "rsa", "RS256")
    zero = b64(bytes(64))
    two_algs = b64(b'{"alg":"RS256","kid":"rsa","alg":"none"}')
    payload = part({**CLAIMS, "sub": "mallory", "scope": "admin"})
    rs384 = other_key.sign(f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA384())
    attacks = {
        # No signature.
        **{f"alg {alg!r}": unsigned(alg) for alg in ("none", "None", "NONE", "nOnE", "", None, 0, ["RS256"])},
        "alg none with the signature of a valid token": unsigned("none", signature),
        "no alg": f"{part({'typ': 'JWT', 'kid': 'rsa'})}.{part(CLAIMS)}.{signature}",
        "two algs": f"{two_algs}.{body}.",
        "signature removed": f"{head}.{body}.",
        "signature cut": good[:-20],
        "signature extended": f"{good}AAAA",
        "signature of another token": f"{head}.{body}.{sign({'sub': 'bob'}).split('.')[2]}",
        "payload changed": f"{head}.{payload}.{signature}",
        "header changed": f"{part({'alg': 'RS256', 'kid': 'rsa', 'typ': 'JWT', 'x': 1})}.{body}.{signature}",
        # Algorithms confused.
        "HS256 with the public key in PEM": mac(pem(rsa_key), "rsa"),
        "HS256 with the public key in PEM, trimmed": mac(pem(rsa_key).strip(), "rsa"),
        "HS256 with the public key in DER": mac(
            rsa_key.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            ),
            "rsa",
        ),
        "HS256 with the JWK": mac(json.dumps(rsa_jwk).encode(), "rsa"),
        "HS256 with the modulus": mac(rsa_jwk["n"].encode(), "rsa"),
        "HS256 with an empty secret": mac(b"", "rsa"),
        "HS256 with a symmetric key of the key set": mac(shared, "shared"),
        "HS384 with a symmetric key of the key set": mac(shared, "shared", "HS384"),
        "HS512 with a symmetric key of the key set": mac(shared, "shared", "HS512"),
        "HS256 with a symmetric key that has the kid of another": mac(shared, "rsa"),
        "PS256 with the key of RS256": sign(key=rsa_key, alg="PS256"),
        "RS256 with the key of PS256": sign(key=pss_key, kid="pss"),
        "RS256 with the kid of an elliptic curve": sign(kid="ec"),
        "ES256 with a signature of zeros": f"{part({'alg': 'ES256', 'kid': 'ec'})}.{body}.{zero}",
        "an RSA key of 1024 bits": sign(key=weak_key, kid="weak"),
        "RS384 of an attacker in the place of RS256": f"{head}.{body}.{b64(rs384)}",
        # Keys brought along.
        "signed by another key": sign(key=other_key),
        "signed by another key, without kid": sign(key=other_key, kid=None),
        "embedded jwk": sign(key=other_key, headers={"jwk": attacker_jwk}),
        "embedded jwk, without kid": sign(key=other_key, kid=None, headers={"jwk": attacker_jwk}),
        "jku": sign(key=other_key, headers={"jku": "https://attacker.example/jwks"}),
        "x5u": sign(key=other_key, headers={"x5u": "https://attacker.example/cert"}),
        "x5c": sign(key=other_key, headers={"x5c": [base64.b64encode(pem(other_key)).decode()]}),
        # Key ids that are more than names.
        **{
            f"kid {str(kid)[:40]!r}": sign(key=other_key, kid=kid)
            for kid in (
                "unknown",
                "../../../../dev/null",
                "' OR '1'='1",
                "https://attacker.example/key",
                "__proto__",
                "constructor",
                "rsa\u0000",
                "",
                0,
                ["rsa"],
                {"toString": "rsa"},
                "k" * 8000,
            )
        },
        # Extensions that nobody understands.
        "a critical extension": sign(headers={"crit": ["exp2"], "exp2": 1}),
        "an unencoded payload": sign(headers={"crit": ["b64"], "b64": False}),
        # Other kinds of tokens.
        "a logout token": sign(headers={"typ": "logout+jwt"}),
        "a DPoP proof": sign(headers={"typ": "dpop+jwt"}),
        "a typ that is no text": sign(headers={"typ": 1}),
        "bound to a key of its holder": sign({"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}),
        # Claims.
        "expired": sign({"exp": ISSUED + 60}),
        "no exp": sign(without=("exp",)),
        "exp as a text": sign({"exp": str(EXPIRES)}),
        "exp null": sign({"exp": None}),
        "not valid yet": sign({"nbf": EXPIRES - 1}),
        "nbf as a text": sign({"nbf": "0"}),
        "another audience": sign({"aud": "another"}),
        "an audience that begins so": sign({"aud": f"{AUDIENCE}-staging"}),
        "an audience in an object": sign({"aud": {AUDIENCE: True}}),
        "an audience in a list in a list": sign({"aud": [[AUDIENCE]]}),
        "no audience": sign(without=("aud",)),
        "an empty list of audiences": sign({"aud": []}),
        "another issuer": sign({"iss": "https://attacker.example"}),
        "an issuer with a slash more": sign({"iss": f"{ISSUER}/"}),
        "an issuer that ends so": sign({"iss": f"https://attacker.example/?{ISSUER}"}),
        "no issuer": sign(without=("iss",)),
        "issuers in a list": sign({"iss": [ISSUER]}),
        "no subject": sign(without=("sub",)),
        "an empty subject": sign({"sub": ""}),
        "a subject that is no text": sign({"sub": 7}),
        # Forms.
        "claims in a list": f"{head}.{part([CLAIMS])}.{signature}",
        "a header in a list": f"{part([{'alg': 'RS256'}])}.{body}.{signature}",
        "four parts": f"{good}.{signature}",
        "huge claims": sign({"padding": "x" * 20_000}),
        "a huge header": sign(headers={"padding": "x" * 20_000}),
        "claims inside one another": f"{head}.{b64(b'[' * 6000)}.{signature}",
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    fixture = {
        "made_by": f"recipes/token_fixtures.py, PyJWT {jwt.__version__}",
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "jwks": {"keys": keys},
        "valid": valid,
        "attacks": attacks,
    }
    OUTPUT.write_text(json.dumps(fixture, indent=1) + "\n")


main()
