"""What a follower takes for a version, and what an older version's embeddings are carried over by."""

from tests.mutants.mutation import Mutation

SIGNING, REGISTRY, BUNDLE = "streams/models/signing.py", "streams/models/registry.py", "encoders/bundle.py"
MANIFEST = "encoders/manifest.py"
BRIDGE, MODEL, CARD = "encoders/bridge.py", "encoders/loaded_model.py", "encoders/card.py"
BRIDGING, PUBLISHING = "trainer/bridging.py", "trainer/topics/publishing.py"
OF_RELEASES = ("tests/streams/models/test_signing_releases.py",)
OF_SIGNING, OF_SIZES = ("tests/streams/models/test_signing.py",), ("tests/streams/models/test_sizes.py",)
OF_BUCKET, OF_BRIDGE = ("tests/streams/models/test_bucket.py",), ("tests/encoders/test_bridge.py",)
OF_BRIDGING, OF_CARD = ("tests/trainer/test_bridging.py",), ("tests/encoders/test_card.py",)

MUTATIONS = (
    Mutation("unsigned is good enough", SIGNING, "if not manifest.signature:", "if False:", OF_SIGNING),
    Mutation(
        "any key's signature will do",
        SIGNING,
        "except InvalidSignature as error:\n            raise",
        "except InvalidSignature as error:\n            return\n            raise",
        OF_SIGNING,
    ),
    Mutation(
        "a signature is of no version",
        SIGNING,
        'table.pop("signature", None)',
        'table.pop("signature", None), table.pop("version")',
        OF_SIGNING,
    ),
    Mutation(
        "what a later release knows is left out",
        MANIFEST,
        '    manifest.__dict__["written"] = data\n',
        "",
        OF_RELEASES,
    ),
    Mutation(
        "what a later release knows is not announced",
        "streams/models/channels.py",
        "manifest.written",
        "msgspec.json.encode(manifest)",
        OF_RELEASES,
    ),
    Mutation(
        "what a later release knows is not kept",
        "streams/models/cache.py",
        ".write_bytes(bundle.manifest.written)",
        ".write_bytes(json.dumps(msgspec.to_builtins(bundle.manifest)).encode())",
        OF_RELEASES,
    ),
    Mutation("everybody may have the private key", SIGNING, "        if others:", "        if False:", OF_SIGNING),
    Mutation(
        "the public key is not asked",
        REGISTRY,
        "        if self._verifier is not None:\n            self._verifier.check(manifest)\n        for",
        "        for",
        OF_SIGNING,
    ),
    Mutation(
        "what lies there is signed enough",
        REGISTRY,
        "there is not None and self._is_known(there)",
        "there is not None",
        OF_SIGNING,
    ),
    Mutation("a claim has no limit", BUNDLE, "file.size_bytes > MAX_FILE_BYTES", "False", OF_SIZES),
    Mutation(
        "a version has no limit",
        BUNDLE,
        "total := sum(file.size_bytes for file in files)) > MAX",
        "total := 0) > MAX",
        OF_SIZES,
    ),
    Mutation(
        "files are read to know their size",
        REGISTRY,
        "if size_bytes is not None and size != size_bytes:",
        "if False:",
        OF_SIZES,
    ),
    Mutation("a manifest has no limit", REGISTRY, "size > MAX_MANIFEST_BYTES", "False", OF_SIZES),
    Mutation("what grows is read whole", REGISTRY, "cat_file(path, start=0, end=size)", "cat_file(path)", OF_SIZES),
    Mutation("any kind of file is one of weights", BUNDLE, "if not file.name.endswith(SUFFIX):", "if False:", OF_SIZES),
    Mutation(
        "a bucket is made where there is none",
        REGISTRY,
        "            if self._has_folders:\n",
        "            if True:\n",
        OF_BUCKET,
    ),
    Mutation("lists are remembered", REGISTRY, "use_listings_cache=False", "use_listings_cache=True", OF_BUCKET),
    Mutation(
        "what was written is not read back",
        REGISTRY,
        "        self.fetch(manifest)\n        return manifest",
        "        return manifest",
        OF_BUCKET,
    ),
    Mutation("a license is a number to YAML", CARD, 'license: "{license_id}"', "license: {license_id}", OF_CARD),
    Mutation(
        "a license stands in no card",
        REGISTRY,
        "model_card(manifest, self._license_id)",
        "model_card(manifest)",
        OF_CARD,
    ),
    Mutation("a card breaks its tables", CARD, '.replace("|", "\\\\|")', "", OF_CARD),
    Mutation("a map goes the other way", BRIDGE, "(left @ right)", "(left @ right).T", OF_BRIDGE),
    Mutation(
        "a map judges itself",
        BRIDGE,
        "(halves, halves[::-1])",
        "((halves[0], halves[0]), (halves[1], halves[1]))",
        OF_BRIDGE,
    ),
    Mutation("few rows are enough", BRIDGE, "len(old) < 2 * MIN_ROWS_PER_DIM * old.shape[1]", "False", OF_BRIDGE),
    Mutation("any version is the parent", MODEL, "if from_version != manifest.parent:", "if False:", OF_BRIDGE),
    Mutation("a poor bridge carries", MODEL, "if not cosine >= MIN_COSINE:", "if cosine < -1:", OF_BRIDGE),
    Mutation(
        "a bridge says which encoders they are",
        BUNDLE,
        "files, bridge = tuple(",
        "files, bridge = () if bundle.bridge is not None else tuple(",
        OF_BRIDGE,
    ),
    Mutation("a bridge is left behind", PUBLISHING, "bundle.weights, bundle.bridge)", "bundle.weights)", OF_BRIDGING),
    Mutation("a lost parent holds versions up", BRIDGING, "(BundleError, ValueError)", "ValueError", OF_BRIDGING),
)
