"""The rooms of the package lie on floors: a room imports what lies below it, never above, and no sibling."""

import ast
from pathlib import Path

import varproof

PACKAGE = Path(varproof.__file__).parent
FLOORS = (
    {"commands"},
    {"steps"},
    {"network"},
    {"spiking", "report"},
    {"simulation", "evaluation", "scenario"},
    {"candidates", "copynumber", "evidence", "pileup", "posterior", "scattering"},
    {"variants"},
    {"reads"},
    {"formats", "realign"},
    {"machinery"},
)
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def imported(path: Path) -> set[str]:
    """The rooms that a module imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("varproof.")} - {"__version__"}


def test_every_room_has_a_floor() -> None:
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert rooms == set(FLOOR_OF)
    assert {path.name for path in PACKAGE.glob("*.py")} == {"__init__.py", "api.py"}


def test_no_room_imports_one_above_or_beside_it() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {other}"
        for path in sorted(PACKAGE.glob("*/*.py"))
        for room in [path.parent.name]
        for other in sorted(imported(path) - {room})
        if FLOOR_OF[other] <= FLOOR_OF[room]
    ]
    assert not wrong


def test_no_executable_imports_another() -> None:
    executables = {path.stem for path in (PACKAGE / "commands").glob("*.py") if "def main()" in path.read_text()}
    assert len(executables) >= 15
    wrong = []
    for path in sorted((PACKAGE / "commands").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("varproof.commands."):
                name = node.module.rpartition(".")[2]
                wrong += [f"{path.name} imports {name}"] if name in executables and path.name != "__init__.py" else []
    assert not wrong
