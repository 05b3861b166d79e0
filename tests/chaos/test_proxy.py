"""A cut network keeps its connections and delivers nothing; mended, it delivers what waited."""

import socket

import pytest

from deploy.machine.brokers import free_port
from tests.chaos.proxy import Proxy


def test_what_is_sent_into_a_cut_arrives_when_it_is_mended() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        proxy = Proxy(free_port(), server.getsockname()[1])
        proxy.start()
        with socket.create_connection(("127.0.0.1", proxy.port)) as client:
            there, _ = server.accept()
            with there:
                there.settimeout(10)
                client.sendall(b"before")
                assert there.recv(6) == b"before"
                proxy.cut()
                client.sendall(b"in between")
                there.settimeout(0.3)
                with pytest.raises(TimeoutError):
                    there.recv(10)
                proxy.mend()
                there.settimeout(10)
                assert there.recv(10) == b"in between"
        proxy.stop()
