"""Settings that cannot be used: what is wrong, found and told in a line."""

from tests.mutants.mutation import Mutation

CONFIG, OBSTACLES, UNKNOWN = (f"deploy/settings/{name}.py" for name in ("config", "obstacles", "unknown_variables"))
DIAGNOSIS, CONNECTION, REGISTRY = (
    "streams/broker/diagnosis.py",
    "streams/broker/connection.py",
    "streams/models/registry.py",
)
OF_WEAK_SPOTS = ("tests/deploy/settings/test_weak_spots.py",)
OF_README = ("tests/docs/test_readme.py",)

MUTATIONS = (
    Mutation("a port may be missing", DIAGNOSIS, "if host and port.isdecimal() and", "if not port or", OF_WEAK_SPOTS),
    Mutation("a port may be any number", DIAGNOSIS, "0 < int(port) <= MAX_PORT", "True", OF_WEAK_SPOTS),
    Mutation("no address is looked at", CONNECTION, 'return next(wrong, "") or', "return", OF_WEAK_SPOTS),
    Mutation(
        "OpenSSL speaks itself", CONNECTION, "otherwise if isinstance(error, ssl.SSLError) else ", "", OF_WEAK_SPOTS
    ),
    Mutation("a prefix is told as a regex", CONFIG, "PATTERNS.get(key, ", "(", OF_WEAK_SPOTS),
    Mutation("a folder is no such file", CONFIG, "if named.is_dir() else", "if False else", OF_WEAK_SPOTS),
    Mutation("pydantic says who speaks", CONFIG, '.replace("Input should be", "wanted")', "", OF_WEAK_SPOTS),
    Mutation("rights alone decide", OBSTACLES, "with tempfile.TemporaryFile(dir=nearest):", "if True:", OF_WEAK_SPOTS),
    Mutation(
        "a missing driver is not named", REGISTRY, "isinstance(error, ImportError) and", "False and", OF_WEAK_SPOTS
    ),
    Mutation(
        "up wants settings first",
        "deploy/cli/run.py",
        "if config is None and (written",
        "if False and (written",
        OF_README,
    ),
)
