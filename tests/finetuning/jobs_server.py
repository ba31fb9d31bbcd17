"""A server that speaks OpenAI's files and fine_tuning.jobs, with faults, in a thread."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class JobsServer:
    """One server, its faults and what it was asked.

    Args:
        looks: how often a job is looked at until it is over.
        end: the state that it ends in.
        key: a key that it expects; empty for none.
        faults: route ("POST files", "GET job", ...) -> what its first requests get instead of an
            answer: a status ("500"), a status and Retry-After ("429 0.1"), "reset" (nothing is
            done, and the connection breaks), "lost" (it is done, but the connection breaks),
            "broken" (no JSON).
    """

    def __init__(
        self,
        looks: int = 3,
        end: str = "succeeded",
        key: str = "",
        faults: dict[str, list[str]] | None = None,
    ) -> None:
        self.looks, self.end, self.key = looks, end, key
        self.faults = {route: list(found) for route, found in (faults or {}).items()}
        self.files: dict[str, dict[str, Any]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.looked: Counter[str] = Counter()
        self.requests: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.lock = threading.Lock()
        server = self

        class Handler(_Handler):
            jobs_server = server

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def count(self, route: str) -> int:
        return self.requests.count(route)

    def answer(self, route: str, name: str, body: bytes, kind: str) -> tuple[int, dict[str, Any]]:
        """What a request gets."""
        if route == "POST files":
            return 200, self._add_file(body, kind)
        if route == "GET files":
            return 200, _list(self.files)
        if route == "POST jobs":
            return self._add_job(json.loads(body))
        if route == "GET jobs":
            return 200, _list(self.jobs)
        if route == "GET job" and name in self.jobs:
            return 200, self._look(name)
        return 404, {"error": {"message": f"no such thing: {name or route}"}}

    def _add_file(self, body: bytes, kind: str) -> dict[str, Any]:
        boundary = kind.partition("boundary=")[2].encode()
        parts = [part for part in body.split(b"--" + boundary) if b"\r\n\r\n" in part]
        fields: dict[str, str] = {}
        name = ""
        for part in parts:
            head, _, content = part.partition(b"\r\n\r\n")
            text = content.removesuffix(b"\r\n").decode()
            (field,) = re.findall(rb' name="([^"]+)"', head)
            fields[field.decode()] = text
            for found in re.findall(rb'filename="([^"]+)"', head):
                name = found.decode()
        assert fields["purpose"] == "fine-tune"
        identity = f"file-{len(self.files)}"
        self.files[identity] = {
            "id": identity,
            "object": "file",
            "bytes": len(fields["file"]),
            "created_at": 0,
            "filename": name,
            "purpose": "fine-tune",
            "status": "processed",
            "content": fields["file"],
        }
        return self.files[identity]

    def _add_job(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.bodies.append(body)
        if body["training_file"] not in self.files:
            return 400, {"error": {"message": "no such file"}}
        identity = f"ftjob-{len(self.jobs)}"
        self.jobs[identity] = {
            "id": identity,
            "object": "fine_tuning.job",
            "created_at": 0,
            "error": None,
            "fine_tuned_model": None,
            "finished_at": None,
            "hyperparameters": body["method"]["supervised"]["hyperparameters"],
            "model": body["model"],
            "organization_id": "org",
            "result_files": [],
            "seed": body.get("seed", 0),
            "status": "validating_files",
            "trained_tokens": None,
            "training_file": body["training_file"],
            "validation_file": body.get("validation_file"),
            "metadata": body.get("metadata"),
            "suffix": body.get("suffix"),
        }
        return 200, self.jobs[identity]

    def _look(self, identity: str) -> dict[str, Any]:
        self.looked[identity] += 1
        job = self.jobs[identity]
        if self.looked[identity] > self.looks:
            job["status"] = self.end
            if self.end == "succeeded":
                suffix = job["suffix"] or ""
                job["fine_tuned_model"] = f"ft:{job['model']}:org:{suffix}:abc"
                job["trained_tokens"] = 1234
            elif self.end == "failed":
                job["error"] = {"code": "bad", "message": f"too few rows {self.key}", "param": None}
        elif self.looked[identity] > 1:
            job["status"] = "running"
        return job


def _list(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {"object": "list", "data": list(found.values()), "has_more": False}


class _Handler(BaseHTTPRequestHandler):
    jobs_server: JobsServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._do("GET")

    def do_POST(self) -> None:
        self._do("POST")

    def _do(self, method: str) -> None:
        server = self.jobs_server
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        path = self.path.partition("?")[0].removeprefix("/v1/")
        what, _, name = path.removeprefix("fine_tuning/").partition("/")
        route = f"{method} {'job' if name and what == 'jobs' else what}"
        with server.lock:
            server.requests.append(route)
            given = self.headers.get("authorization", "")
            if server.key and given != f"Bearer {server.key}":
                said = f"Incorrect API key provided: {given[7:]}"
                self._reply(401, json.dumps({"error": {"message": said}}))
                return
            waiting = server.faults.get(route) or [""]
            fault = waiting.pop(0)
            if fault == "reset":
                self.close_connection = True
                return
            status, _, seconds = fault.partition(" ")
            if status.isdecimal():
                extra = {"Retry-After": seconds} if seconds else {}
                self._reply(int(status), json.dumps({"error": {"message": fault}}), extra)
                return
            if fault == "broken":
                self._reply(200, "{")
                return
            kind = self.headers.get("content-type", "")
            number, found = server.answer(route, name, body, kind)
        if fault == "lost":
            self.close_connection = True
            return
        self._reply(number, json.dumps(found))

    def _reply(self, status: int, text: str, extra: dict[str, str] | None = None) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in (extra or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Print nothing."""
