"""Objects encrypted by Python's cryptography in the form of docs/integrity.md, to compare the Worker's with.

    python recipes/encryption_fixtures.py

Writes ``test/fixtures/integrity/encryption.json``.
"""

import base64
import hashlib
import json
from pathlib import Path

import cryptography
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

CHUNK_BYTES = 262_144
SIZES = [0, 1, 1000, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 700_001]
OBJECT_KEY = "models/naïve/1/model-00000000.bin"


def plain_bytes(size: int) -> bytes:
    return bytes((at * 7 + (at >> 8)) & 255 for at in range(size))


def derive(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(key)


def encrypt(key: bytes, salt: bytes, object_key: str, plain: bytes) -> bytes:
    key_id = derive(key, b"", b"onnxflare key id", 8)
    header = b"ONNXENC\x01" + key_id + salt
    derived = derive(key, salt, b"onnxflare object", 39)
    cipher = AESGCM(derived[:32])
    starts = range(0, max(1, len(plain)), CHUNK_BYTES)
    stored = header
    for index, start in enumerate(starts):
        last = b"\x01" if index == len(starts) - 1 else b"\x00"
        nonce = derived[32:] + index.to_bytes(4, "big") + last
        chunk = plain[start : start + CHUNK_BYTES]
        stored += cipher.encrypt(nonce, chunk, header + object_key.encode())
    return stored


def main() -> None:
    key = hashlib.sha256(b"a key for tests").digest()
    cases = []
    for size in SIZES:
        salt = hashlib.sha256(b"salt %d" % size).digest()
        stored = encrypt(key, salt, OBJECT_KEY, plain_bytes(size))
        case = {
            "sizeBytes": size,
            "header": base64.b64encode(stored[:48]).decode(),
            "storedBytes": len(stored),
            "storedSha256": hashlib.sha256(stored).hexdigest(),
        }
        if size <= 1000:
            case["stored"] = base64.b64encode(stored).decode()
        cases.append(case)
    fixture = {
        "engine": f"cryptography {cryptography.__version__}",
        "key": base64.b64encode(key).decode(),
        "objectKey": OBJECT_KEY,
        "cases": cases,
    }
    path = Path("test/fixtures/integrity/encryption.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(fixture, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
