"""The client under a name of its own, for scripts that have a `streams.py` or an `encoders.py` beside them.

What a script imports as `streams` is what stands beside it, and stays so: the client's modules are loaded from the
folder that this package was installed to, as `mmbind_client.streams...`, and what they import of each other is looked
up there. None of them is ever in `sys.modules` under its short name, so that neither side gets the other's.

In: the modules of the client, as they lie in the installed packages.
Out: `SensorClient` and `WindowProducer` with their errors.

Example:
    >>> from mmbind_client import SensorClient
    >>> SensorClient.__module__
    'mmbind_client.streams.client'
"""

import ast
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING

OWN = ("encoders", "streams")
# Where `streams` and `encoders` lie: beside us where we are installed, above us in a checkout.
__path__ = [str(next(one for one in Path(__file__).parents if (one / "streams" / "client.py").is_file()))]


class _Renamed(ast.NodeTransformer):
    """Has `from streams...` mean `from mmbind_client.streams...`. Our modules import absolutely, and by `from`."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        if node.module and not node.level and node.module.split(".")[0] in OWN:
            node.module = f"{__name__}.{node.module}"
        return node


class _Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        # Neither read from the bytecode of the module under its short name, nor written there.
        path = self.get_filename(fullname)
        code: CodeType = compile(_Renamed().visit(ast.parse(self.get_data(path))), path, "exec", dont_inherit=True)
        return code


class _Finder:
    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        parts = name.split(".")
        if parts[0] != __name__ or len(parts) < 2 or parts[1] not in OWN:
            return None
        found = PathFinder.find_spec(name, path, target)
        if found is None or found.origin is None:
            return None
        folders, loader = found.submodule_search_locations, _Loader(name, found.origin)
        return spec_from_file_location(name, found.origin, loader=loader, submodule_search_locations=folders)


sys.meta_path.insert(0, _Finder)

if TYPE_CHECKING:
    from encoders.errors import MmbindError
    from streams.broker.connection import BrokerUnreachable
    from streams.client import SensorClient, UnknownModality
    from streams.producer import SendError, WindowProducer
else:
    from mmbind_client.encoders.errors import MmbindError
    from mmbind_client.streams.broker.connection import BrokerUnreachable
    from mmbind_client.streams.client import SensorClient, UnknownModality
    from mmbind_client.streams.producer import SendError, WindowProducer

__all__ = ["BrokerUnreachable", "MmbindError", "SendError", "SensorClient", "UnknownModality", "WindowProducer"]
