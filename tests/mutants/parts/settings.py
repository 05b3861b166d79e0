"""Settings that cannot be used: what is wrong, found and told in a line."""

from tests.mutants.mutation import Mutation

CONFIG, MISTAKES, OBSTACLES, UNKNOWN, WRITABLE = (
    f"deploy/settings/{name}.py" for name in ("config", "mistakes", "obstacles", "unknown_variables", "writable")
)
CERTIFICATES = "streams/broker/certificates.py"
DIAGNOSIS, CONNECTION, REGISTRY = (
    "streams/broker/diagnosis.py",
    "streams/broker/connection.py",
    "streams/models/registry.py",
)
OUTPUT, CHECK = "deploy/cli/output.py", "deploy/machine/check.py"
OF_WEAK_SPOTS = ("tests/deploy/settings/test_weak_spots.py",)
OF_OBSTACLES = ("tests/deploy/settings/test_obstacles.py",)
OF_RIGHTS = ("tests/deploy/settings/test_rights.py",)
OF_OUTPUTS = ("tests/deploy/cli/test_outputs.py",)
OF_SECURE = ("tests/streams/broker/test_secure_broker.py",)
OF_README = ("tests/docs/test_readme.py",)

MUTATIONS = (
    Mutation("a port may be missing", DIAGNOSIS, "):([0-9]{1,5})", ")(?::([0-9]{1,5}))?", OF_WEAK_SPOTS),
    Mutation("a port may be any number", DIAGNOSIS, "0 < int(found[1]) <= MAX_PORT", "True", OF_WEAK_SPOTS),
    Mutation("an address may be a URL", DIAGNOSIS, r"[^\s:/@\[\]]+|", r"[^\s@\[\]]+|", OF_WEAK_SPOTS),
    Mutation("digits of any script make a port", DIAGNOSIS, "[0-9]{1,5}", r"\d{1,5}", OF_WEAK_SPOTS),
    Mutation(
        "the broker speaks of the password itself",
        DIAGNOSIS,
        '"" if isinstance(error, SaslAuthenticationFailedError) else ',
        "",
        OF_SECURE,
    ),
    Mutation(
        "a codec may be missing",
        CONNECTION,
        "if complaint := missing_codec(broker.compression):",
        'if complaint := "":',
        OF_OBSTACLES,
    ),
    Mutation("a bridge's certificates are not looked at", CHECK, "if mqtt.tls:", "if False:", OF_OBSTACLES),
    Mutation("a refusal is good", CHECK, 'in ("tls", "password")', "in ()", OF_SECURE),
    Mutation("no address is looked at", CONNECTION, 'return next(wrong, "") or', "return", OF_WEAK_SPOTS),
    Mutation(
        "OpenSSL says which file it is", CERTIFICATES, "    _require_readable(said, section)\n", "", OF_WEAK_SPOTS
    ),
    Mutation(
        "OpenSSL speaks itself",
        CERTIFICATES,
        "if isinstance(error, ssl.SSLError) else str(error)",
        "if False else str(error)",
        OF_WEAK_SPOTS,
    ),
    Mutation(
        "a key needs no certificate",
        CERTIFICATES,
        "if said.ssl_keyfile and not said.ssl_certfile:",
        "if False:",
        OF_WEAK_SPOTS,
    ),
    Mutation("a prefix is told as a regex", MISTAKES, "PATTERNS.get(key) or ", "", OF_WEAK_SPOTS),
    Mutation("a folder is no such file", CONFIG, "if named.is_dir() else", "if False else", OF_WEAK_SPOTS),
    Mutation(
        "a byte order mark is not TOML", CONFIG, "if text.startswith(BYTE_ORDER_MARK):", "if False:", OF_WEAK_SPOTS
    ),
    Mutation(
        "a file that is locked is a crash",
        CONFIG,
        "except PermissionError as error:",
        "except EOFError as error:",
        OF_RIGHTS,
    ),
    Mutation("the line counts from 0", CONFIG, r'.count(b"\n") + 1', r'.count(b"\n")', OF_WEAK_SPOTS),
    Mutation(
        "a file that is not TOML has no line", MISTAKES, 'if place else ""\n', 'if False else ""\n', OF_WEAK_SPOTS
    ),
    Mutation(
        "pydantic speaks itself",
        MISTAKES,
        'if words else mistake["msg"]',
        'if False else mistake["msg"]',
        OF_WEAK_SPOTS,
    ),
    Mutation("pydantic's bounds have a point", MISTAKES, "**context | whole", "**context", OF_WEAK_SPOTS),
    Mutation("a password in a table is shown", MISTAKES, 'f"{key} {shown}".lower()', "key.lower()", OF_WEAK_SPOTS),
    Mutation("a password is shown", MISTAKES, 'f"{key} {shown}".lower()', "shown.lower()", OF_WEAK_SPOTS),
    Mutation("another variable is blamed", MISTAKES, " and value == given", "", OF_WEAK_SPOTS),
    Mutation("a device without values is one", OBSTACLES, "device=device).tolist()", "device=device)", OF_WEAK_SPOTS),
    Mutation(
        "a device without its package is a crash",
        OBSTACLES,
        "AssertionError, ImportError",
        "AssertionError",
        OF_WEAK_SPOTS,
    ),
    Mutation(
        "a name may be a character too long",
        OBSTACLES,
        "if len(longest) > MAX_TOPIC_CHARACTERS:",
        "if len(longest) > MAX_TOPIC_CHARACTERS + 1:",
        OF_WEAK_SPOTS,
    ),
    Mutation("a name without a table is nobody's", UNKNOWN, 'one.endswith(f"__{name}")', "False", OF_WEAK_SPOTS),
    Mutation(
        "only tables are near",
        UNKNOWN,
        "difflib.get_close_matches(name, names,",
        "difflib.get_close_matches(name, tables,",
        OF_WEAK_SPOTS,
    ),
    Mutation("what is not alike is meant", UNKNOWN, "ALIKE = 0.7", "ALIKE = 0.1", OF_WEAK_SPOTS),
    Mutation("rights alone decide", WRITABLE, "with tempfile.TemporaryFile(dir=nearest):", "if True:", OF_RIGHTS),
    Mutation(
        "what may not be looked into is a crash", WRITABLE, "except PermissionError:", "except EOFError:", OF_RIGHTS
    ),
    Mutation("a folder is a file to write", WRITABLE, "if file.is_dir():", "if False:", OF_RIGHTS),
    Mutation("a file is written after the work", OUTPUT, "if file is not None and (", "if False and (", OF_OUTPUTS),
    Mutation(
        "a picture is drawn without",
        OUTPUT,
        'if file is not None and find_spec("matplotlib") is None:',
        "if False:",
        OF_OUTPUTS,
    ),
    Mutation("all has what draws", "deploy/cli/entrance.py", "if package in OF_DEMO", "if False", OF_OUTPUTS),
    Mutation(
        "services are silent of variables", OUTPUT, "for told in unknown_variables():", "for told in ():", OF_OUTPUTS
    ),
    Mutation("a folder is made after the work", OUTPUT, "if folder is not None and (", "if False and (", OF_OUTPUTS),
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
