"""A TCP proxy that can stop forwarding, as a network does that is cut: nothing is closed, nothing arrives."""

import asyncio
import threading
from contextlib import suppress

CHUNK_BYTES = 1 << 16


class Proxy:
    """Listens on `port` of 127.0.0.1 and forwards to `target_port`, in a thread of its own, from `start` to `stop`."""

    def __init__(self, port: int, target_port: int) -> None:
        self.port, self._target_port = port, target_port
        self._loop = asyncio.new_event_loop()
        self._is_whole = asyncio.Event()
        self._is_whole.set()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def start(self) -> None:
        """Accepts connections from now on."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()

    def stop(self) -> None:
        """Ends all connections."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> None:
        """Forwards nothing more; connections stay, new ones are accepted and hear nothing."""
        self._loop.call_soon_threadsafe(self._is_whole.clear)

    def mend(self) -> None:
        """Forwards again, first what waits: TCP has repeated it all the time."""
        self._loop.call_soon_threadsafe(self._is_whole.set)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def _end(self) -> None:
        assert self._server is not None
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            await self._is_whole.wait()
            there, back = await asyncio.open_connection("127.0.0.1", self._target_port)
            await asyncio.gather(self._forward(reader, back), self._forward(there, writer))
        writer.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(CHUNK_BYTES):
                await self._is_whole.wait()
                writer.write(chunk)
                await writer.drain()
        finally:
            writer.close()
