"""alignment.json written by hand: what isn't known may be null, or left out, with the same meaning."""

import json
from pathlib import Path

import pytest

from varproof.formats.alignment import AlignmentProperties
from varproof.formats.json_file import read_json
from varproof.machinery.errors import UserError

LEAST = {"schema": "varproof/alignment/1", "max_read_length": 100}
OTHERS = sorted(set(AlignmentProperties.model_fields) - {"schema_", "max_read_length"})


@pytest.mark.parametrize("names", [*([name] for name in OTHERS), OTHERS])
def test_null_is_as_if_left_out(names: list[str], tmp_path: Path) -> None:
    path = tmp_path / "alignment.json"
    path.write_text(json.dumps(LEAST | dict.fromkeys(names)))
    assert read_json(path, AlignmentProperties) == AlignmentProperties(max_read_length=100)


def test_the_read_length_must_be_known(tmp_path: Path) -> None:
    path = tmp_path / "alignment.json"
    path.write_text(json.dumps(LEAST | {"max_read_length": None}))
    with pytest.raises(UserError, match="'max_read_length'"):
        read_json(path, AlignmentProperties)
