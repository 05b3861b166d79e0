"""What a person sees of a running stream, and is told to do next."""

from tests.mutants.mutation import Mutation

FLOW, NODE, PICTURE = "deploy/top/flow.py", "deploy/top/node.py", "deploy/top/picture.py"
STREAM, VERSIONS, SCREEN = "deploy/top/stream_rules.py", "deploy/top/version_rules.py", "deploy/top/screen.py"
OF_PICTURE, OF_ADVICE = ("tests/deploy/top/test_picture.py",), ("tests/deploy/top/test_advice.py",)
OF_SCREEN, OF_LIVE = ("tests/deploy/top/test_screen.py",), ("tests/deploy/top/test_live.py",)

MUTATIONS = (
    Mutation(
        "what was passed over is not reckoned with",
        FLOW,
        "return self.n_records + round(self.n_records * self.n_skipped / self.n_messages)",
        "return self.n_records",
        OF_PICTURE,
    ),
    Mutation("a rate is of all times", FLOW, "if second >= (now_ms - WINDOW_MS) // 1000", "if second", OF_PICTURE),
    Mutation("a rate forgets no second", FLOW, "if len(counts) > 2 * WINDOW_MS // 1000:", "if False:", OF_PICTURE),
    Mutation("a young node's clocks are judged", NODE, "if len(self._seen) < ENOUGH or", "if", OF_PICTURE),
    Mutation(
        "a sample with one of many is whole",
        NODE,
        "sum(len(one.modalities) == n_modalities for",
        "sum(len(one.modalities) > 0 for",
        OF_PICTURE,
    ),
    Mutation(
        "a pair counts again in each round",
        PICTURE,
        "[head for head in heads if head.round == 0]",
        "list(heads)",
        OF_PICTURE,
    ),
    Mutation("one node's second sensor is enough", PICTURE, "if n > 1 and name", "if n > 0 and name", OF_PICTURE),
    Mutation("lag is no growth", PICTURE, "return now - past[-1] if past and", "return 0 if past and", OF_ADVICE),
    Mutation(
        "a silent worker is nothing to say",
        STREAM,
        "if picture.worker.is_silent and not",
        "if False and not",
        OF_ADVICE,
    ),
    Mutation(
        "an estimate that cannot be is waited for",
        STREAM,
        "or len(picture.nodes) < 2 or picture.second_sensors:",
        "or True:",
        OF_ADVICE,
    ),
    Mutation("withheld pairs are no matter", STREAM, 'precision.state == "none":', "precision is None:", OF_ADVICE),
    Mutation(
        "a version that passed is called refused",
        VERSIONS,
        "if not decisions or decisions[newest := max(decisions)].passed:",
        "if not decisions or not (newest := max(decisions)):",
        OF_ADVICE,
    ),
    Mutation("a terminal obeys a node", SCREEN, "tuple(printable(cell)", "tuple(str(cell)", OF_SCREEN),
    Mutation("a line is as long as it likes", SCREEN, 'line.truncate(width, overflow="ellipsis")', "pass", OF_SCREEN),
    Mutation(
        "a long stream is read from its start",
        "deploy/top/tails.py",
        "max(first[tp], end - kept)",
        "first[tp]",
        ("tests/deploy/top/test_tails.py",),
    ),
)
