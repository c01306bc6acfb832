"""A loopback server that accepts every event, in a process of its own.

It is as cheap as a server can be that still answers PutEvents item by item, so that what the
benchmarks measure is the client. Prints its port, then serves until its standard input closes.
"""

from __future__ import annotations

import asyncio
import sys

import orjson

_ACCEPTED = {"StatusCode": 202, "Message": "Accepted"}


def answer(body: bytes) -> bytes:
    """Return the answer of a service that accepts everything."""
    batch = orjson.loads(body)["BatchItem"]
    results = {
        endpoint_id: {
            "EndpointItemResponse": _ACCEPTED,
            "EventsItemResponse": dict.fromkeys(item["Events"], _ACCEPTED),
        }
        for endpoint_id, item in batch.items()
    }
    return orjson.dumps({"Results": results})


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            headers = head.lower().split(b"\r\n")
            length = next(int(line[15:]) for line in headers if line.startswith(b"content-length:"))
            if any(line.startswith(b"expect:") for line in headers):
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = await reader.readexactly(length)
            is_ours = b"/v1/apps/" in head[:100]
            # Other clients' servers say no more than that they have it.
            content = answer(body) if is_ours else b'{"success":true,"status":1}'
            writer.write(
                b"HTTP/1.1 %b\r\nContent-Type: application/json\r\n"
                b"x-amzn-RequestId: stub\r\nContent-Length: %d\r\n\r\n%b"
                % (b"202 Accepted" if is_ours else b"200 OK", len(content), content)
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
        # The client has gone, or the stub is ending: Python 3.11 prints a traceback for clients
        # that are still connected then.
        writer.close()


async def main() -> None:
    """Serve until standard input closes."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=8_000_000)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
