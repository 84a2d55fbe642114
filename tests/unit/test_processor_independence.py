"""No call whose last digits, or whose order of equals, depend on the processor, in the rooms that reach an output.

NumPy, OpenBLAS and the C library choose their versions of some functions by the processor: sums of products in another order,
exponentials with other last digits, unstable sorting that leaves equals in another order. `numerics` and
`numerics_numba_fns` have what takes their place.
"""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "tools" / "varproof"

NUMPY = {
    "dot", "vdot", "inner", "outer", "matmul", "tensordot", "einsum", "linalg", "convolve", "correlate", "polyfit",
    "polynomial", "cov", "corrcoef", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "logaddexp", "power", "cbrt",
    "float_power",
    "sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2", "sinh", "cosh", "tanh", "hypot", "geomspace", "logspace",
    "fft", "partition", "argpartition",
}  # fmt: skip
MATH = {
    "exp", "expm1", "log", "log2", "log10", "log1p", "pow", "sin", "cos", "tan", "asin", "acos", "atan", "tanh", "erf", "erfc",
    "gamma", "lgamma", "cbrt",
}  # fmt: skip
METHODS = {"dot", "argpartition"}

# What runs in TensorFlow differs by rounding in any case, as the help of predict and train says; pictures are looked at.
ELSEWHERE = {
    "network/adaptation.py", "network/architectures.py", "network/explanation.py", "network/layers.py", "network/metrics.py",
    "network/study.py", "network/subgroups.py", "network/training.py", "report/figures.py", "report/pileup_track.py",
    "report/training_figures.py",
}  # fmt: skip
ALLOWED = {
    ("network/prior_shift.py", "scipy.optimize"): "a search by comparisons and divisions, of a function of ours",
    ("network/promises.py", "scipy.stats"): "limits of shares, by the C library's functions; what is written is rounded",
    ("network/splits.py", "**"): "sizes of a learning curve, rounded to whole candidates",
    ("posterior/recalibration.py", "scipy.stats"): "limits of counts, by the C library's functions; a map is rounded",
    ("posterior/recalibration.py", "scipy.optimize"): "means of neighbours, by sums in order",
    ("reads/repeats_numba_fns.py", "argsort"): "no two keys are equal",
    ("posterior/relatedness.py", "scipy.stats"): "a chance that is only held against a limit",
    ("copynumber/segment_copies.py", "scipy.special"): "limits, which are rounded",
    ("copynumber/segment_data.py", "scipy.stats"): "beta-binomial, by the C library's functions; what is written is rounded",
    ("copynumber/somatic.py", "scipy.special"): "the same",
    ("copynumber/somatic.py", "scipy.stats"): "the same",
    ("posterior/burden.py", "scipy"): "limits of a Poisson's rate, which are rounded",
    ("report/style.py", "math.log10"): "how many digits of a probability are shown",
    ("evaluation/evaluation.py", "scipy.stats"): "exact interval of a share, by the C library's functions; no record holds it",
}


def offences(tree: ast.AST) -> list[tuple[int, str]]:
    """(line, name) of what depends on the processor."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.MatMult):
            found.append((node.lineno, "@"))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and not _exact_power(node):
            found.append((node.lineno, "**"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "scipy":
            found.append((node.lineno, str(node.module)))
        elif isinstance(node, ast.Import):
            found += [(node.lineno, item.name) for item in node.names if item.name.split(".")[0] == "scipy"]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner, name = node.value.id, node.attr
            if (owner in ("np", "numpy") and name in NUMPY) or (owner == "math" and name in MATH):
                found.append((node.lineno, f"{owner}.{name}"))
            elif name in METHODS:
                found.append((node.lineno, name))
        elif isinstance(node, ast.Attribute) and node.attr in METHODS:
            found.append((node.lineno, node.attr))
        if isinstance(node, ast.Call) and _sorts_equals_in_any_order(node):
            found.append((node.lineno, "argsort"))
    return found


def _exact_power(node: ast.BinOp) -> bool:
    """Whole numbers, and squares, which are one multiplication."""
    whole = isinstance(node.left, ast.Constant) and isinstance(node.left.value, int)
    square = isinstance(node.right, ast.Constant) and node.right.value == 2
    return square or (whole and not isinstance(node.right, ast.UnaryOp | ast.BinOp | ast.Constant)) or (
        whole and isinstance(node.right, ast.Constant) and node.right.value >= 0
    )  # fmt: skip


def _sorts_equals_in_any_order(node: ast.Call) -> bool:
    if not (isinstance(node.func, ast.Attribute) and node.func.attr == "argsort"):
        return False
    kind = [item.value for item in node.keywords if item.arg == "kind"]
    return not (kind and isinstance(kind[0], ast.Constant) and kind[0].value in ("stable", "mergesort"))


FILES = sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("name", [name for name in FILES if name not in ELSEWHERE])
def test_nothing_depends_on_the_processor(name: str) -> None:
    found = offences(ast.parse((PACKAGE / name).read_text()))
    assert [item for item in found if (name, item[1]) not in ALLOWED] == []


def test_lists_name_files_that_exist() -> None:
    assert set(FILES) >= ELSEWHERE | {name for name, _ in ALLOWED}


@pytest.mark.parametrize(
    "line",
    ["a @ b", "np.dot(a, b)", "a.dot(b)", "a[0].dot(b)", "np.linalg.solve(a, b)", "np.exp(x)", "math.log(x)", "10.0 ** x",
     "x ** 0.3", "np.argsort(x)", "x.argsort()", "from scipy.special import expit", "import scipy.linalg", "10 ** (-x / 10)",
     "2 ** -1.5"],
)  # fmt: skip
def test_offences_are_seen(line: str) -> None:
    assert len(offences(ast.parse(line))) == 1


@pytest.mark.parametrize(
    "line", ["x ** 2", "2 ** 31", "np.argsort(x, kind='stable')", "np.sort(x)", "a * b", "{**x}", "math.sqrt(x)"]
)
def test_harmless_lines_pass(line: str) -> None:
    assert offences(ast.parse(line)) == []
