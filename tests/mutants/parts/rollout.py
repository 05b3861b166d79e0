"""Trials of versions, and versions trained again."""

from tests.mutants.mutation import Mutation

VERDICT, ROLLER, BEGINNING = (f"trainer/rollout/{name}.py" for name in ("verdict", "roller", "beginning"))
TRIAL, COURSE = "streams/models/rollout.py", "trainer/retraining/course.py"
OF_VERDICT, OF_ROLLER = ("tests/trainer/rollout/test_verdict.py",), ("tests/trainer/rollout/test_roller.py",)
FOLLOWING, OF_FOLLOWING = "trainer/topics/following.py", ("tests/trainer/topics/test_following.py",)
OF_COURSE = ("tests/trainer/retraining/test_course.py",)

CHANNELS, OPERATOR, PRUNING = "streams/models/channels.py", "deploy/models/operator.py", "deploy/models/pruning.py"
OF_OPERATOR, OF_PRUNING = ("tests/deploy/models/test_operator.py",), ("tests/deploy/models/test_pruning.py",)
KEYS, USABLE, READING, LISTING = (f"deploy/models/{name}.py" for name in ("keys", "usable", "reading", "listing"))
OF_KEYS, OF_USABLE = ("tests/deploy/models/test_keys.py",), ("tests/deploy/models/test_usable.py",)
OF_LISTS = ("tests/deploy/cli/test_lists.py",)

OWN, OF_OWN = "trainer/rollout/own_trials.py", ("tests/trainer/rollout/test_own_trials.py",)

MUTATIONS = (
    Mutation("what passed meanwhile is never tried", ROLLER, "            self._begin(view)\n", "", OF_ROLLER),
    Mutation("a trial that a person ended is followed by the next", OWN, " or ended.by != ROLLER", "", OF_OWN),
    Mutation("what passed since is put on trial by two", OWN, " or passed[-1].at_ns > ended.at_ns", "", OF_OWN),
    Mutation("a version is tried again", OWN, "version if version > max(known) else None", "version", OF_OWN),
    Mutation("a pin does not hold up the next trial", OWN, " or view.pin(self._channel)", "", OF_OWN),
    Mutation(
        "a worker is counted on to try versions",
        "trainer/rollout/beginning.py",
        " and one.use is not None",
        "",
        ("tests/trainer/rollout/test_verdict.py",),
    ),
    Mutation(
        "who has stopped is counted on to try versions",
        "trainer/rollout/beginning.py",
        ' and one.details.get("stopped") is not True',
        "",
        ("tests/trainer/rollout/test_verdict.py",),
    ),
    Mutation(
        "rollbacks go to and fro", CHANNELS, "way = way[: way.index(move.version)] if", "way = way if", OF_OPERATOR
    ),
    Mutation(
        "a pin is for ever", CHANNELS, "if moves and moves[-1].pinned else None", "if moves else None", OF_OPERATOR
    ),
    Mutation(
        "the trainer moves a pinned channel",
        FOLLOWING,
        "if pin := view.pin(self._channel):",
        "if (pin := None):",
        OF_OPERATOR,
    ),
    Mutation("people move a pinned channel", OPERATOR, "if not self._force:", "if False:", OF_OPERATOR),
    Mutation("a lost race is not told", OPERATOR, "if not after.counted(record[0]):", "if False:", OF_OPERATOR),
    Mutation(
        "damage is overlooked",
        "deploy/models/usable.py",
        "        registry.fetch(manifest)",
        "        pass",
        OF_OPERATOR,
    ),
    Mutation(
        "files go before their record",
        PRUNING,
        "            registry.remove(version)\n        newest",
        "        newest",
        OF_PRUNING,
    ),
    Mutation(
        "what is used meanwhile is deleted",
        PRUNING,
        "if version not in to_prune(models.refresh(), keep):",
        "if False:",
        OF_PRUNING,
    ),
    Mutation(
        "leftovers stay for ever",
        PRUNING,
        "if version < newest and version not in view.manifests:",
        "if False:",
        OF_PRUNING,
    ),
    Mutation("a private key may be read", KEYS, "secret, 0o600)", "secret, 0o644)", OF_KEYS),
    Mutation("a key is overwritten", KEYS, "    if there:", "    if False:", OF_KEYS),
    Mutation(
        "a channel at none names a version",
        USABLE,
        "in view.channels.items() if version}",
        "in view.channels.items()}",
        OF_USABLE,
    ),
    Mutation("without a broker nothing is listed", READING, "if not view.manifests:", "if True:", OF_LISTS),
    Mutation(
        "a damaged manifest ends the list",
        "streams/models/registry.py",
        "with suppress(BundleError):",
        "with suppress(KeyError):",
        OF_LISTS,
    ),
    Mutation("reasons are listed whole", LISTING, "MAX_WORDS = 10", "MAX_WORDS = 100", OF_LISTS),
    Mutation("narrow columns give way", "deploy/cli/output.py", "no_wrap=not gives_way", "no_wrap=False", OF_LISTS),
    Mutation("few errors are forgiven for ever", VERDICT, "n_errors >= MIN_ERRORS", "n_errors >= 10**9", OF_VERDICT),
    Mutation("errors as usual count", VERDICT, "share > usual + limits", "share > limits", OF_VERDICT),
    Mutation("few calls are enough", VERDICT, "if n_calls < plan.min_calls:", "if False:", OF_VERDICT),
    Mutation("no time to look", VERDICT, "if took_s < plan.for_s:", "if False:", OF_VERDICT),
    Mutation("a trial without end", VERDICT, "LONGEST_IN_TRIALS = 3.0", "LONGEST_IN_TRIALS = 1e9", OF_VERDICT),
    Mutation("an earlier trial counts", VERDICT, "use.since_ns >= move.at_ns - 60 * 10**9", "True", OF_VERDICT),
    Mutation("another version's calls count", VERDICT, "use.version == move.version and ", "", OF_VERDICT),
    Mutation(
        "alike windows are its fault", VERDICT, " and not (use and (use.mean_cosine or 0) > limit)", "", OF_VERDICT
    ),
    Mutation("agreement is not asked for", VERDICT, "min(agreements) < limits.min_agreement", "False", OF_VERDICT),
    Mutation("slowness is not seen", VERDICT, "own_s > limits.max_slowdown * served_s", "False", OF_VERDICT),
    Mutation("nobody need try it", BEGINNING, "max(share, lots[0] + 2**-53)", "share", OF_VERDICT),
    Mutation("silent followers are counted on", BEGINNING, "now_ns - one.at_ns < SILENT_NS", "True", OF_VERDICT),
    Mutation("all versions have the same lots", TRIAL, 'f"{version}/{follower_id}"', 'f"{follower_id}"', OF_VERDICT),
    Mutation("a trial is of any channel", TRIAL, " and last.rollout.channel == channel", "", OF_ROLLER),
    Mutation(
        "a lost race ends the trial",
        ROLLER,
        "not self._promote(view, move, verdict)",
        "self._promote(view, move, verdict) is None",
        OF_ROLLER,
    ),
    Mutation(
        "who may not move channels does",
        ROLLER,
        "if not self._may_move():",
        "if False:",
        OF_ROLLER,
    ),
    Mutation(
        "a promoted version stays on trial",
        ROLLER,
        "if view.current(self._channel) == move.version:",
        "if False:",
        OF_ROLLER,
    ),
    Mutation(
        "a trial that others ended is counted",
        ROLLER,
        "if self._append(move_record(view, CANARY",
        "if not self._append(move_record(view, CANARY",
        OF_ROLLER,
    ),
    Mutation(
        "a trial that is over is shown",
        ROLLER,
        "move.version if move else 0)",
        "move.version if move else 2)",
        OF_ROLLER,
    ),
    Mutation(
        "what passed is no candidate", FOLLOWING, "        self._put_forward(view, version, reason)\n", "", OF_FOLLOWING
    ),
    Mutation("a pinned candidate is moved", FOLLOWING, " or view.pin(CANDIDATE)", "", OF_FOLLOWING),
    Mutation("a candidate is put forward again", FOLLOWING, " or _had(view, CANDIDATE, version)", "", OF_FOLLOWING),
    Mutation("who follows the candidate moves it twice", FOLLOWING, "self._channel == CANDIDATE or ", "", OF_FOLLOWING),
    Mutation(
        "a killed trainer leaves a folder",
        "trainer/parallel/process_group.py",
        "            join(0, n_ranks, Path(folder))\n        yield\n",
        "            join(0, n_ranks, Path(folder))\n            yield\n",
        ("tests/trainer/parallel/test_process_group.py::test_a_trainer_that_is_killed_leaves_nobody_and_no_folder",),
    ),
    Mutation(
        "retraced without its steps",
        COURSE,
        "            for _ in range(n_steps):",
        "            for _ in range(0):",
        OF_COURSE,
    ),
    Mutation("retraced in one go", COURSE, "past.admissions[n_done:n_before]", "past.admissions", OF_COURSE),
    Mutation("lost checkpoints are not missed", COURSE, "    if pasts[0].parent:", "    if False:", OF_COURSE),
)
