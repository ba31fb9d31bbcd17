"""A server that speaks OpenAI's chat API, to force delays and faults that no real one gives.

Run as a script it prints its port and serves until it is killed. What it answers follows from the
messages alone, as with a model that decodes greedily. ``GET /log`` tells what was asked and how
many requests were under way at once, ``GET /last`` the body and the headers of the last one.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import time
from collections.abc import Sequence
from typing import Any

ACTIONS = ("turn left", "turn right", "go forward", "pick up", "drop", "toggle")


class Server:
    """One server, its faults and what it was asked.

    Args:
        delay: seconds before each answer.
        actions: what it chooses from.
        faults: fault by the number of the request (from 0). Instead of an answer: "429", "500" or
            another status; "429 SECONDS", with Retry-After; "quota", a 429 that stays; "html", a
            502 of a proxy; "broken", "hang", "reset". In the answer: "empty", "cut", "refuse",
            "tool", "tool object", "thought", "no usage", "no choices", "parts", "cost".
        asleep: (number of a request, seconds): from that request on it is dead for so long.
        key: a key that it expects; empty for none.
    """

    def __init__(
        self,
        delay: float = 0.0,
        actions: Sequence[str] = ACTIONS,
        faults: dict[int, str] | None = None,
        asleep: tuple[int, float] | None = None,
        key: str = "",
    ) -> None:
        self.delay = delay
        self.actions = tuple(actions)
        self.faults = faults or {}
        self.asleep = asleep
        self.key = key
        self.requests = 0
        self.asked: list[str] = []
        self.last: dict[str, Any] = {}
        self.busy = self.busiest = 0
        self._dead_until = 0.0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                first, *lines = head.decode().split("\r\n")
                headers = {
                    name.lower(): value.strip()
                    for name, _, value in (line.partition(":") for line in lines)
                }
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                if first.startswith("GET /log"):
                    log = {
                        "requests": self.requests,
                        "asked": self.asked,
                        "busiest": self.busiest,
                    }
                    await self._reply(writer, 200, json.dumps(log))
                    continue
                if first.startswith("GET /last"):
                    await self._reply(writer, 200, json.dumps(self.last))
                    continue
                self.last = {"path": first.split()[1], "headers": headers, "body": body.decode()}
                self.busy += 1
                self.busiest = max(self.busiest, self.busy)
                try:
                    if not await self._answer(writer, headers, body):
                        break
                finally:
                    self.busy -= 1
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(
        self, writer: asyncio.StreamWriter, headers: dict[str, str], body: bytes
    ) -> bool:
        """Answer a request; False to close the connection."""
        number = self.requests
        self.requests += 1
        request = json.loads(body)
        text = json.dumps(request["messages"])
        self.asked.append(hashlib.sha256(text.encode()).hexdigest()[:16])
        now = time.monotonic()
        if self.asleep is not None and number == self.asleep[0]:
            self._dead_until = now + self.asleep[1]
        if now < self._dead_until:
            return False
        if self.key and headers.get("authorization") != f"Bearer {self.key}":
            said = f"Incorrect API key provided: {headers.get('authorization', '')[7:]}"
            error = {"error": {"message": said, "code": "invalid_api_key"}}
            await self._reply(writer, 401, json.dumps(error))
            return True
        fault = self.faults.get(number, "")
        if fault == "hang":
            await asyncio.sleep(3600)
        if fault == "reset":
            return False
        status, _, seconds = fault.partition(" ")
        if status.isdecimal() or fault == "quota":
            seconds = seconds or ("1" if status == "429" else "")
            extra = f"Retry-After: {seconds}\r\n" if seconds else ""
            error: dict[str, Any] = {"message": f"fault {fault}"}
            if fault == "quota":
                error["code"] = "insufficient_quota"
            status = "429" if fault == "quota" else status
            await self._reply(writer, int(status), json.dumps({"error": error}), extra)
            return True
        if fault == "html":
            await self._reply(writer, 502, "<html>\n<h1>Bad Gateway</h1>\n</html>\n")
            return True
        await asyncio.sleep(self.delay)
        if fault == "broken":
            await self._reply(writer, 200, '{"choices": [{"message": {"role": "assis')
            return True
        await self._reply(writer, 200, json.dumps(self._completion(text, fault)))
        return True

    def _completion(self, text: str, fault: str) -> dict[str, Any]:
        choice = int(hashlib.sha256(text.encode()).hexdigest(), 16) % len(self.actions)
        content = "" if fault == "empty" else self.actions[choice]
        finish = {"cut": "length", "refuse": "content_filter"}.get(fault, "stop")
        answer = self._plain(text, content, finish)
        message = answer["choices"][0]["message"]
        if fault.startswith("tool"):
            arguments: Any = {"action": content}
            if fault == "tool":
                arguments = json.dumps(arguments)
            call = {"name": "act", "arguments": arguments}
            message["tool_calls"] = [{"id": "call-0", "type": "function", "function": call}]
            message["content"] = None
        elif fault == "thought":
            message["reasoning_content"] = "I think."
        elif fault == "parts":
            message["content"] = [{"type": "text", "text": content}]
        elif fault == "no usage":
            del answer["usage"]
        elif fault == "no choices":
            answer["choices"] = []
        elif fault == "cost":
            answer["usage"]["cost"] = 0.25
        return answer

    def _plain(self, text: str, content: str, finish: str) -> dict[str, Any]:
        return {
            "id": "chatcmpl-0",
            "object": "chat.completion",
            "created": 0,
            "model": "test",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": content},
                    "finish_reason": finish,
                }
            ],
            "usage": {
                "prompt_tokens": len(text) // 4,
                "completion_tokens": 3,
                "total_tokens": len(text) // 4 + 3,
                "prompt_tokens_details": {"cached_tokens": 2},
                "completion_tokens_details": {"reasoning_tokens": 1},
            },
        }

    async def _reply(
        self, writer: asyncio.StreamWriter, status: int, body: str, extra: str = ""
    ) -> None:
        content = body.encode()
        head = (
            f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{extra}"
            f"Content-Length: {len(content)}\r\n\r\n"
        )
        writer.write(head.encode() + content)
        await writer.drain()


async def serve(server: Server, port: int) -> None:
    running = await asyncio.start_server(server.handle, "127.0.0.1", port)
    print(running.sockets[0].getsockname()[1], flush=True)
    async with running:
        await running.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--key", default="")
    parser.add_argument("--actions", default="")
    parser.add_argument("--faults", default="{}", help="JSON: number of the request -> fault")
    parser.add_argument("--asleep", default="", help="NUMBER,SECONDS")
    options = parser.parse_args()
    number, _, seconds = options.asleep.partition(",")
    server = Server(
        delay=options.delay,
        actions=options.actions.split(",") if options.actions else ACTIONS,
        faults={int(key): value for key, value in json.loads(options.faults).items()},
        asleep=(int(number), float(seconds)) if number else None,
        key=options.key,
    )
    asyncio.run(serve(server, options.port))


if __name__ == "__main__":
    main()
