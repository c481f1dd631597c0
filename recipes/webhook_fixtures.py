"""Signatures of webhooks by Python's standardwebhooks, to compare the Worker's with.

    python recipes/webhook_fixtures.py

Writes ``test/fixtures/webhooks/signatures.json``: messages, secrets and times, and the signatures that the library made of them.
"""

import datetime
import importlib.metadata
import json
from pathlib import Path

from standardwebhooks.webhooks import Webhook

OUT = Path("test/fixtures/webhooks/signatures.json")
SECRETS = [
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
]
MESSAGES = [
    ("alert_mx37wxxc_1_firing", 1796040120, '{"type":"alert.firing","data":{"value":0.5}}'),
    ("alert_mx37wxxc_1_resolved", 1796040360, '{"type":"alert.resolved","data":{"summary":"50 % – naïve, 日本語"}}'),
    ("test_0", 1, ""),
]


def main() -> None:
    cases = [
        {
            "id": message_id,
            "timestamp": timestamp,
            "body": body,
            "secrets": SECRETS,
            "signatures": [
                Webhook(secret).sign(
                    message_id, datetime.datetime.fromtimestamp(timestamp, datetime.timezone.utc), body
                )
                for secret in SECRETS
            ],
        }
        for message_id, timestamp, body in MESSAGES
    ]
    made_with = {"standardwebhooks": importlib.metadata.version("standardwebhooks")}
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps({"madeWith": made_with, "cases": cases}, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
