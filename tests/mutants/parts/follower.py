"""Versions in a follower: the one it serves, the one on trial, the one it kept, and what it says of them."""

from tests.mutants.mutation import Mutation

USE, SERVING, TRIAL = "streams/models/use.py", "streams/models/serving.py", "streams/models/trial.py"
CACHE, WATCH, TRIES = "streams/models/cache.py", "streams/models/watch.py", "streams/models/tries.py"
FOLLOWER, STANDING = "streams/follower.py", "deploy/followers/standing.py"
OF_USE = ("tests/streams/models/test_use.py",)
OF_SERVING = ("tests/streams/models/test_serving.py",)
OF_TRIAL = ("tests/streams/models/test_trial.py",)
OF_CACHE = ("tests/streams/models/test_cache.py",)
OF_WATCH = ("tests/streams/models/test_watch.py", "tests/streams/models/test_watch_reports.py")
OF_TRIALS = ("tests/streams/test_follower_trials.py",)
OF_KEPT = ("tests/streams/test_follower_cache.py",)
UNDER_LOAD = ("tests/streams/test_follower_under_load.py",)
OF_STANDING = ("tests/deploy/followers/test_standing.py",)

MUTATIONS = (
    Mutation(
        "the agreement is of columns that are not centred",
        USE,
        "(rows - rows.mean(axis=0) for rows in (ours, theirs))",
        "(rows for rows in (ours, theirs))",
        OF_USE,
    ),
    Mutation("the mean cosine counts each row with itself", USE, " - np.square(rows).sum()", "", OF_USE),
    Mutation("the same window counts again and again", USE, "if key not in known:", "if True:", OF_USE),
    Mutation(
        "recent rows are those of the last second", USE, "and self._now_s() < self._next_s", "and self is None", OF_USE
    ),
    Mutation("an error counts for nothing", USE, "self._errors += rows is None", "self._errors += 0", OF_USE),
    Mutation(
        "what is on trial is handed out",
        SERVING,
        "chosen = tried if self._hands_out and tried is not None else served",
        "chosen = tried if tried is not None else served",
        OF_SERVING,
    ),
    Mutation(
        "embeddings on trial that are not finite are handed out",
        SERVING,
        "return tried if is_good else None",
        "return tried",
        OF_SERVING,
    ),
    Mutation(
        "what fails on trial is raised",
        SERVING,
        "except Exception:  # counted; whoever embeds has the present version",
        "except ZeroDivisionError:",
        OF_SERVING,
    ),
    Mutation(
        "the agreement with the version before goes on with the next",
        SERVING,
        "if trial is self.trial:",
        "if True:",
        OF_SERVING,
    ),
    Mutation(
        "a call asks for the present version twice",
        "streams/models/embedder.py",
        "return self._serving.embed(lambda model: windows, scaling)",
        "return Embedded(self.version, self._serving.embed(lambda model: windows, scaling).rows)",
        UNDER_LOAD,
    ),
    Mutation(
        "every follower takes part in a trial",
        TRIAL,
        "rollout.takes_part(move, self._follower_id)",
        "True",
        OF_TRIAL,
    ),
    Mutation(
        "a trial is dropped before the record that promotes it is read",
        TRIAL,
        "(is_idle or self.version == served)",
        "True",
        (*OF_TRIAL, *OF_TRIALS),
    ),
    Mutation(
        "a promoted trial is loaded again",
        FOLLOWER,
        "is_loaded = tried is not None and tried.model.manifest == manifest",
        "is_loaded = False",
        OF_TRIALS,
    ),
    Mutation(
        "a promoted trial is downloaded again",
        CACHE,
        "if held is not None and held.manifest == manifest:",
        "if False:",
        (*OF_CACHE, *OF_TRIALS),
    ),
    Mutation(
        "a kept manifest may be another one",
        CACHE,
        "if _name_of(manifest) != folder.name:",
        "if False:",
        OF_CACHE,
    ),
    Mutation(
        "what is kept is named before it is whole",
        CACHE,
        'prefix=".fresh-"',
        'prefix="v9-"',
        OF_CACHE,
    ),
    Mutation("a damaged copy is not mended", CACHE, "and self._whole(folder) is None", "and False", OF_CACHE),
    Mutation("all versions are kept", CACHE, "self._folders()[KEPT:]", "self._folders()[KEPT + 9 :]", OF_CACHE),
    Mutation(
        "another one is the newest where the clock went back",
        CACHE,
        "max(time.time_ns(), newest_ns + 1)",
        "time.time_ns()",
        OF_CACHE,
    ),
    Mutation(
        "a kept version takes the place of the channel's",
        WATCH,
        "            if self._is_settled:\n",
        "            if False:\n",
        (*OF_WATCH, *OF_KEPT),
    ),
    Mutation(
        "a kept version is believed to be the one of its number",
        WATCH,
        "return wanted == self.version and not (known and ours and known.files != ours.files)",
        "return wanted == self.version",
        OF_WATCH,
    ),
    Mutation(
        "a kept version comes although the broker answers",
        FOLLOWER,
        "if self.watch.wait_until_settled(CACHE_AFTER_S):",
        "if False:",
        OF_KEPT,
    ),
    Mutation(
        "nothing is said at the end",
        WATCH,
        "self._report(is_last=True)",
        "pass",
        (*OF_WATCH, *OF_TRIALS),
    ),
    Mutation(
        "what does not load is tried without end",
        TRIES,
        'self._retry.next_s() if is_of_files else float("inf")',
        "self._retry.next_s()",
        OF_WATCH,
    ),
    Mutation(
        "the next version waits as long as the last one did",
        TRIES,
        "        self.failed = None\n        self._retry.reset()\n",
        "        self.failed = None\n",
        OF_WATCH,
    ),
    Mutation(
        "a follower that stopped is called silent", STANDING, '"stopped") is True', '"stopped") is None', OF_STANDING
    ),
    Mutation("a follower is never silent", STANDING, "> SILENT_AFTER_S * 1e9", "> SILENT_AFTER_S * 1e15", OF_STANDING),
    Mutation(
        "a follower ahead of its channel is well",
        STANDING,
        "report.version != wanted",
        "report.version < wanted",
        OF_STANDING,
    ),
)
