"""What the figures of a report are, each said below the table in which it stands."""

ABOUT_PAIRS = (
    "A best partner is right if both samples have the same label. By chance: the share that would be right if partners "
    "were drawn at random."
)
ABOUT_LABELS = (
    "Few labels of one kind of nodes travelled along the pairs to the other kind; the classifier learned from the same "
    "labels, on the sensor that both have."
)
ABOUT_CMAP = (
    "cmAP, class mean average precision: a window of one modality asks for those of the other with its label; 1 is all "
    "of these first, in the mean over who asks. R@1: the share of first answers that have its label."
)
ABOUT_MRR = (
    "MRR, mean reciprocal rank: a window of one modality asks for the other's of the same moment, and 1 is that one "
    "first; there are no labels for more."
)
ABOUT_CONTROLS = (
    "Controls are trained like ours, but natural only: on what each node has together itself; random: on partners "
    "drawn at random; oracle: on partners of the true label, which nobody has in the field."
)


def about_retrieval(by_label: bool, served: int, last: int) -> str:
    """Which figure it is, which version is served, what ours and the controls are.

    Args:
        by_label: Whether there are labels to judge by.
        served: The version that the worker has, 0 for none.
        last: The last version that was published, 0 for none that was judged.
    """
    which = f"In bold: version {served}, which is served." if served else "No version passed the gate: none is served."
    ours = f" Ours: version {last}, the last one." if last else ""
    return f"{ABOUT_CMAP if by_label else ABOUT_MRR} {which}{ours} {ABOUT_CONTROLS}"
