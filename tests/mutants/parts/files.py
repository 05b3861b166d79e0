"""Data of others: tables, times, payloads, and what is kept of topics."""

from tests.mutants.mutation import Mutation

BLOCKS = "deploy/tables/blocks.py"
SAMPLES, TIMES, COLUMNS = "deploy/tables/samples.py", "deploy/tables/times.py", "deploy/tables/columns.py"
CUTTING, SENML, INTAKE = "deploy/recordings/cutting.py", "deploy/bridges/senml.py", "deploy/bridges/intake.py"
RECORDED, ENTRIES = "deploy/topics/recorded.py", "deploy/settings/entries.py"
OF_BLOCKS = ("tests/deploy/tables/test_blocks.py",)
OF_SAMPLES, OF_TABLE = ("tests/deploy/tables/test_samples.py",), ("tests/deploy/tables/test_table.py",)
OF_LOGGED, OF_PAYLOAD = ("tests/deploy/recordings/test_logged.py",), ("tests/deploy/bridges/test_payload.py",)
OF_INTAKE, OF_FILES = ("tests/deploy/bridges/test_intake.py",), ("tests/deploy/cli/test_files.py",)

MUTATIONS = (
    Mutation(
        "a CSV is taken in whole",
        BLOCKS,
        "        block = list(islice(numbered, N_ROWS_AT_ONCE))\n\n\ndef",
        "        block = list(numbered)\n\n\ndef",
        OF_TABLE,
    ),
    Mutation("times go back unnoticed", SAMPLES, "if (steps < 0).any():", "if False:", OF_TABLE),
    Mutation("two units in one column of times", TIMES, "if other.any():", "if False:", OF_TABLE),
    Mutation(
        "whole times in ns lose their last digits",
        TIMES,
        "        return column.astype(np.int64)\n    except",
        "        return table.numbers(name)\n    except",
        OF_SAMPLES,
    ),
    Mutation("the head of a file reads all of it", BLOCKS, "if not any(lacks.values()):", "if False:", OF_TABLE),
    Mutation(
        "a column that begins late is passed over",
        BLOCKS,
        "            kept.update(found)\n        parts",
        "            kept.update(found)\n        lacks = dict.fromkeys(lacks, 0)\n        parts",
        OF_BLOCKS,
    ),
    Mutation(
        "text of a file is held",
        SAMPLES,
        "columns |= {name: block.numbers(name) for",
        "columns |= {name: block.columns[name] for",
        OF_BLOCKS,
    ),
    Mutation(
        "dates are held as text",
        SAMPLES,
        "as_times(block, layout.time, is_dates)",
        "block.columns[layout.time]",
        OF_BLOCKS,
    ),
    Mutation(
        "axes stand in the file's order",
        COLUMNS,
        'return (int(end), "") if end.isdigit() else (-1 if end != "w" else 0, end)',
        'return (0, "")',
        OF_SAMPLES,
    ),
    Mutation(
        "channels of the settings are not looked for",
        COLUMNS,
        "if spec.channels and set(",
        "if False and set(",
        OF_SAMPLES,
    ),
    Mutation(
        "rows that lack a channel are used",
        SAMPLES,
        "has_all &= np.isfinite",
        "has_all |= np.isfinite",
        OF_SAMPLES,
    ),
    Mutation(
        "each sensor of a node is cut in a phase of its own",
        CUTTING,
        "phases.setdefault(one.source_id, Phase(hop_s))",
        "Phase(hop_s)",
        OF_LOGGED,
    ),
    Mutation("the last window is left out", CUTTING, "[*cut, *cutter.flush()]", "cut", OF_LOGGED),
    Mutation("a label is that of the window's start", CUTTING, "* NS_PER_S / 2)", "* 0)", OF_LOGGED),
    Mutation("a base value is left out", SENML, 'record["v"] + base.get("bv", 0)', 'record["v"]', OF_PAYLOAD),
    Mutation("a base field holds for its record only", SENML, "base |= {name", "base = {name", OF_PAYLOAD),
    Mutation("what must be understood is passed over", SENML, 'and name.endswith("_"):', "and False:", OF_PAYLOAD),
    Mutation(
        "channels come in the payload's order",
        INTAKE,
        "yield name, [one.values[channel] for channel in group]",
        "yield name, [v for channel, v in one.values.items() if channel in group]",
        OF_INTAKE,
    ),
    Mutation("what a payload refuses is not counted", INTAKE, "self.refused[fault.reason] += 1", "pass", OF_INTAKE),
    Mutation(
        "a record holds what was there before", RECORDED, "starts.get(name), recorded)", "None, recorded)", OF_FILES
    ),
    Mutation("labels are recorded unasked", RECORDED, "windows if keeps_labels else", "windows if True else", OF_FILES),
    Mutation("a modality is appended twice", ENTRIES, "if name not in known}", "}", OF_FILES),
)
