"""A hub on this machine: repositories with commits and branches, spoken to by the real clients."""

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest


@dataclass
class Repository:
    """The files of every commit, and the commit of every branch."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    gated: bool = False


class Refusal(Exception):
    """An answer of the hub that is no content: its status, and what the hub calls it."""

    def __init__(self, status: HTTPStatus, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class Hub:
    """A server on a free port, with what was pushed to it, and the paths that it was asked for."""

    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.asked: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def push(self, kind: str, hub_id: str, folder: Path, *, branch: str = "main", gated: bool = False) -> str:
        """Add a commit with the files of a folder, move a branch to it, and return it."""
        repository = self.repositories.setdefault((kind, hub_id), Repository(gated=gated))
        files = {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
        commit = hashlib.sha1(f"{kind} {hub_id} {len(repository.commits)}".encode()).hexdigest()
        repository.commits[commit] = files
        repository.branches[branch] = commit
        return commit

    def environment(self, home: Path, **more: str) -> dict[str, str]:
        """Variables that make the clients ask this hub and keep everything in one folder."""
        ours = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGINGFACE_"))}
        return {
            **ours,
            "HF_ENDPOINT": self.address,
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            **more,
        }


class _Handler(BaseHTTPRequestHandler):
    """The part of the hub's interface that its clients use to read."""

    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def answer(self) -> None:
        self.hub.asked.append(f"{self.command} {self.path}")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        try:
            parts = [unquote(p) for p in urlsplit(self.path).path.strip("/").split("/")]
            self.api(parts[1:], body) if parts[0] == "api" else self.file(parts)
        except Refusal as refusal:
            self.give(b"", status=refusal.status, **{"X-Error-Code": refusal.code, "X-Error-Message": refusal.code})

    def api(self, parts: list[str], body: str) -> None:
        """``{models,datasets}/OWNER/NAME`` and what may follow: ``revision/R``, ``tree/R/PATH``, ``paths-info/R``."""
        kind, hub_id, rest = parts[0].removesuffix("s"), "/".join(parts[1:3]), parts[3:] or ["revision", "main"]
        what, revision, *path = rest
        commit, files = self.commit(kind, hub_id, revision)
        if what == "revision":
            gated = "manual" if self.hub.repositories[kind, hub_id].gated else False
            about = {"id": hub_id, "sha": commit, "private": False, "gated": gated, "tags": []}
            self.give_json({**about, "siblings": [{"rfilename": f} for f in files]})
        elif what == "paths-info":
            wanted = json.loads(body)["paths"] if body.startswith("{") else parse_qs(body).get("paths", [])
            self.give_json([entry for entry in _entries(files, "", True) if entry["path"] in wanted])
        elif what == "tree":
            recursive = parse_qs(urlsplit(self.path).query).get("recursive", ["false"])[0].lower() == "true"
            entries = _entries(files, "/".join(path), recursive)
            if path and not entries:
                raise Refusal(HTTPStatus.NOT_FOUND, "EntryNotFound")
            self.give_json(entries)
        else:
            raise Refusal(HTTPStatus.NOT_FOUND, "Unknown")

    def file(self, parts: list[str]) -> None:
        """``[datasets/]OWNER/NAME/resolve/R/PATH``, whole or from a place on."""
        kind = "dataset" if parts[0] == "datasets" else "model"
        owner, name, _, revision, *path = parts[1:] if kind == "dataset" else parts
        commit, files = self.commit(kind, f"{owner}/{name}", revision)
        if self.hub.repositories[kind, f"{owner}/{name}"].gated:
            raise Refusal(HTTPStatus.FORBIDDEN, "GatedRepo")
        told = {"X-Repo-Commit": commit}
        if "/".join(path) not in files:
            self.give(b"", status=HTTPStatus.NOT_FOUND, **told, **{"X-Error-Code": "EntryNotFound"})
            return
        content = files["/".join(path)]
        told |= {"ETag": f'"{hashlib.sha1(content).hexdigest()}"', "Accept-Ranges": "bytes"}
        if wanted := self.headers.get("Range"):
            first, last = wanted.removeprefix("bytes=").split("-")
            end = min(int(last or len(content) - 1), len(content) - 1)
            told["Content-Range"] = f"bytes {first}-{end}/{len(content)}"
            self.give(content[int(first) : end + 1], status=HTTPStatus.PARTIAL_CONTENT, **told)
        else:
            self.give(content, **told)

    def commit(self, kind: str, hub_id: str, revision: str) -> tuple[str, dict[str, bytes]]:
        repository = self.hub.repositories.get((kind, hub_id))
        if repository is None:
            raise Refusal(HTTPStatus.NOT_FOUND, "RepoNotFound")
        commit = repository.branches.get(revision, revision)
        if commit not in repository.commits:
            raise Refusal(HTTPStatus.NOT_FOUND, "RevisionNotFound")
        return commit, repository.commits[commit]

    def give_json(self, value: Any) -> None:
        self.give(json.dumps(value).encode(), **{"Content-Type": "application/json"})

    def give(self, content: bytes, status: HTTPStatus = HTTPStatus.OK, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _entries(files: dict[str, bytes], folder: str, recursive: bool) -> list[dict[str, Any]]:
    """What a folder holds, as the hub lists it."""
    start = f"{folder}/" if folder else ""
    found: dict[str, dict[str, Any]] = {}
    for path, content in files.items():
        if not path.startswith(start):
            continue
        *parents, _ = path.removeprefix(start).split("/")
        for depth in range(1, len(parents) + 1 if recursive else min(len(parents), 1) + 1):
            parent = start + "/".join(parents[:depth])
            oid = hashlib.sha1(parent.encode()).hexdigest()
            found[parent] = {"type": "directory", "path": parent, "size": 0, "oid": oid}
        if recursive or not parents:
            oid = hashlib.sha1(content).hexdigest()
            found[path] = {"type": "file", "path": path, "size": len(content), "oid": oid}
    return list(found.values())


def write_prompts(folder: Path, texts: list[str]) -> Path:
    """Write a data set's repository: one split, in a file of records."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "test.jsonl").write_text("".join(json.dumps({"prompt": text}) + "\n" for text in texts))
    return folder


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    """An empty hub, until the tests of a module are over."""
    served = Hub()
    yield served
    served.server.shutdown()
    served.server.server_close()
