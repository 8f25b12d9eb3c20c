"""Servers of composition functions for the tests of this folder."""
import pathlib
import sys

import pytest

from function_server import FunctionServer


@pytest.fixture(scope="module")
def function_server():
    server = FunctionServer("--insecure")
    yield server
    assert server.stop() == 0, server.process.stderr.read()


@pytest.fixture
def start_server():
    """Starts servers that end with the test."""
    servers = []

    def start(*arguments, **options):
        servers.append(FunctionServer(*arguments, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


sys.path.insert(0, str(pathlib.Path(__file__).parent))
