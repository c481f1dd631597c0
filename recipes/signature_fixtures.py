"""Signatures of a version by Python's model_signing and cryptography, to compare the Worker's with.

    python recipes/signature_fixtures.py

Writes ``test/fixtures/integrity/signatures.json``: bundles that model_signing made of a folder with the elliptic keys that it knows, one that
cryptography made with an Ed25519 key, and statements that are not valid, signed with that key. Then it checks that
model_signing verifies what ``conformance/signing-adapter.ts`` signs.
"""

import base64
import hashlib
import importlib.metadata
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import model_signing
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

PAYLOAD_TYPE = "application/vnd.in-toto+json"
NODE = "node_modules/.bin/node"
CURVES = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1()}
FILES = {
    "0123456789abcdef/model.onnx": b"the model",
    "0123456789abcdef/tokenizer/vocabulary \U0001f600.txt": b"a vocabulary",
    "0123456789abcdef/tokenizer/vocabulary \uff5e.txt": b"",
}
# The folder of a version may have signatures, and what belongs to git.
IGNORED = {"signatures/0.json": b"{}", ".gitattributes": b"* binary"}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def manifest_text() -> str:
    files = [{"path": path, "sha256": sha256(data), "sizeBytes": len(data)} for path, data in FILES.items()]
    return json.dumps({"name": "signed", "version": "1", "files": files}, indent=2) + "\n"


def write_folder(root: Path) -> Path:
    folder = root / "signed"
    for path, content in {**FILES, **IGNORED, "manifest.json": manifest_text().encode()}.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder


def pem(key: Any) -> tuple[str, str]:
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def sign_by_model_signing(root: Path, folder: Path, private: str) -> dict:
    (root / "key.pem").write_text(private)
    hashing = model_signing.hashing.Config().set_ignored_paths(
        paths=[folder / "signatures"], ignore_git_paths=True
    )
    config = model_signing.signing.Config().use_elliptic_key_signer(private_key=root / "key.pem")
    config.set_hashing_config(hashing).sign(folder, root / "bundle.json")
    return json.loads((root / "bundle.json").read_text())


def statement() -> dict:
    contents = {**FILES, "manifest.json": manifest_text().encode()}
    resources = [
        {"name": path, "algorithm": "sha256", "digest": sha256(contents[path])} for path in sorted(contents)
    ]
    root = b"".join(bytes.fromhex(resource["digest"]) for resource in resources)
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "signed", "digest": {"sha256": sha256(root)}}],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": {
            "serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": False},
            "resources": resources,
        },
    }


def sign_by_cryptography(key: ed25519.Ed25519PrivateKey, payload: bytes) -> dict:
    encoded = f"DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} {len(payload)} ".encode() + payload
    return {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": sha256(pem(key)[1].encode())}},
        "dsseEnvelope": {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": base64.b64encode(key.sign(encoded)).decode()}],
        },
    }


def invalid_statements() -> dict[str, bytes]:
    def changed(change: Any) -> bytes:
        value = statement()
        change(value)
        return json.dumps(value).encode()

    def of_no_files(value: dict) -> None:
        value["predicate"]["resources"] = []
        value["subject"][0]["digest"]["sha256"] = sha256(b"")

    predicate = "predicate"
    return {
        "another type": changed(lambda v: v.update(_type="https://in-toto.io/Statement/v0.1")),
        "another predicate": changed(lambda v: v.update(predicateType="https://slsa.dev/provenance/v1")),
        "no predicate": changed(lambda v: v.pop(predicate)),
        "no subject": changed(lambda v: v.update(subject=[])),
        "two subjects": changed(lambda v: v.update(subject=v["subject"] * 2)),
        "another digest of the subject": changed(lambda v: v["subject"][0]["digest"].update(sha256="0" * 64)),
        "no files": changed(of_no_files),
        "parts of files": changed(lambda v: v[predicate]["serialization"].update(method="shards")),
        "another hash": changed(lambda v: v[predicate]["serialization"].update(hash_type="blake3")),
        "another hash of a file": changed(lambda v: v[predicate]["resources"][0].update(algorithm="blake3")),
        "a file twice": changed(lambda v: v[predicate]["resources"].append(v[predicate]["resources"][0])),
        "no JSON": b"{",
    }


def check_adapter(root: Path, folder: Path, private: str, public: str) -> None:
    """model_signing verifies what the adapter signs."""
    (root / "key.pem").write_text(private)
    (root / "key.pub").write_text(public)
    arguments = ["--method", "key", "--model-path", folder, "--private-key", root / "key.pem"]
    arguments += ["--output-bundle", root / "own.json", "--ignore-paths", folder / "signatures"]
    subprocess.run([NODE, "conformance/signing-adapter.ts", "sign-model", *arguments], check=True)
    config = model_signing.verifying.Config().use_elliptic_key_verifier(public_key=root / "key.pub")
    config.verify(folder, root / "own.json")


def main() -> None:
    keys: dict[str, Any] = {name: ec.generate_private_key(curve) for name, curve in CURVES.items()}
    keys["ed25519"] = ed25519.Ed25519PrivateKey.generate()
    pems = {name: pem(key) for name, key in keys.items()}
    payload = json.dumps(statement()).encode()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        folder = write_folder(root)
        bundles = {name: sign_by_model_signing(root, folder, pems[name][0]) for name in CURVES}
        for curve in CURVES:
            check_adapter(root, folder, *pems[curve])
    bundles["ed25519"] = sign_by_cryptography(keys["ed25519"], payload)
    fixture = {
        "engines": [
            f"{package} {importlib.metadata.version(package)}"
            for package in ["model-signing", "cryptography"]
        ],
        "manifestText": manifest_text(),
        "files": [{"path": path, "sha256": sha256(content)} for path, content in FILES.items()],
        "keys": {
            name: {"privatePem": private, "publicPem": public, "hint": sha256(public.encode())}
            for name, (private, public) in pems.items()
        },
        "bundles": bundles,
        "invalid": {
            name: sign_by_cryptography(keys["ed25519"], invalid)
            for name, invalid in invalid_statements().items()
        },
    }
    path = Path("test/fixtures/integrity/signatures.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(fixture, indent=2) + "\n")


if __name__ == "__main__":
    main()
