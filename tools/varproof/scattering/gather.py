"""What was made of the chunks of a candidate list, or of regions, as one file: evidence, tensors, panels or calls, by content.

Files are read and written in blocks, so that memory does not grow with them. What comes out is what the whole list would have
given; chunks that do not belong together, or come in the wrong order, are refused.
"""

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from varproof.formats.evidence import COVERED_BASES, DECISIONS, REPEATS, SAMPLE_NAMES, EvidenceReader, evidence_writer
from varproof.formats.evidence import SCHEMA as EVIDENCE_SCHEMA
from varproof.formats.hdf5 import damage_told, is_hdf5
from varproof.formats.panel import is_panel
from varproof.formats.scored import SCENARIO_LINE
from varproof.formats.tensors import PackedTensors, TensorReader, tensor_writer
from varproof.formats.vcf import RESOURCE_LINE, VcfWriter, open_vcf, read_records
from varproof.formats.vcf_output import UNDECLARED
from varproof.machinery.errors import UserError
from varproof.machinery.output import input_digest
from varproof.scattering.panels import gather_panels
from varproof.variants.candidate import candidate_key, candidates_of

logger = logging.getLogger(__name__)

BLOCK = 2000
"""Candidates that are in memory at a time."""

OF_A_CHUNK = ("candidates", "tumor", "normal", "tensors", "calls", "scored", "predicted", "reads", "samples")
"""Options that may differ between calls of chunks; of evidence and tensors only the first may."""

PROVENANCE_PREFIX = "varproof_"


class Kind(str, Enum):
    """What a file holds."""

    EVIDENCE = "evidence"
    TENSORS = "tensors"
    CALLS = "calls"
    PANEL = "panels"


def kind_of(path: Path) -> Kind:
    """What a file holds; raises UserError where it is missing or none of these."""
    if not is_hdf5(path):
        open_vcf(path).close()
        return Kind.CALLS
    import h5py

    if is_panel(path):
        return Kind.PANEL
    with damage_told(path, "collect-evidence or tensorise"), h5py.File(path, "r") as file:
        return (
            Kind.EVIDENCE if str(file.attrs.get("schema", "")).startswith(EVIDENCE_SCHEMA.rpartition("/")[0]) else Kind.TENSORS
        )


def common_kind(paths: Sequence[Path]) -> Kind:
    """What all files hold; raises UserError if they are not of one kind, or one is given twice."""
    kinds = [kind_of(path) for path in paths]
    for path, kind in zip(paths, kinds, strict=True):
        if kind is not kinds[0]:
            raise UserError(f"{path} holds {kind.value}, {paths[0]} {kinds[0].value}; gather one kind at a time")
    for path in paths:
        if sum(other.resolve() == path.resolve() for other in paths) > 1:
            raise UserError(f"{path} is given more than once; give every chunk once")
    return kinds[0]


def _made_of(text: str, varying: Sequence[str]) -> dict[str, Any]:
    """What provenance says, without what may differ between chunks and without the folders of inputs."""
    made = json.loads(text)
    options = {name: value for name, value in made["options"].items() if name not in varying}
    digests = made["input_digests"]
    own = {Path(item).name for name in varying for item in _listed(made["options"].get(name))}
    for name, value in options.items():
        names = [Path(item).name for item in _listed(value)]
        if names and all(item in digests for item in names):
            options[name] = names
    kept = {name: digest for name, digest in digests.items() if name not in own}
    return {"executable": made["executable"], "version": made["version"], "options": options, "inputs": kept}


def _listed(value: Any) -> list[str]:
    return [str(item) for item in (value if isinstance(value, list) else [] if value is None else [value])]


def check_made_alike(paths: Sequence[Path], provenances: Sequence[str], varying: Sequence[str]) -> None:
    """Raise UserError, naming what differs, unless all files were made by one version with the same options and inputs."""
    first: dict[str, Any] | None = None
    for path, text in zip(paths, provenances, strict=True):
        try:
            made = _made_of(text, varying)
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{path}: does not say how it was made; make it again") from error
        first = first or made
        for part in ("executable", "version"):
            if made[part] != first[part]:
                raise UserError(f"{path} was made by {part} {made[part]}, {paths[0]} by {first[part]}; make all chunks alike")
        for part, what in (("options", "--"), ("inputs", "input ")):
            for name in sorted({*made[part], *first[part]}):
                if made[part].get(name) != first[part].get(name):
                    shown = what + (name.replace("_", "-") if part == "options" else name)
                    raise UserError(f"{path} was made with another {shown} than {paths[0]}; make all chunks alike")


def _whole_provenance(text: str, candidates: Path) -> str:
    """Provenance of a chunk's file, as if it had been made of all candidates."""
    made = json.loads(text)
    made["input_digests"].pop(Path(str(made["options"].get("candidates"))).name, None)
    made["options"]["candidates"] = str(candidates)
    made["input_digests"][candidates.name] = input_digest(candidates)
    return json.dumps(made, sort_keys=True)


def _keys(candidates: Path) -> Iterator[tuple[int, str]]:
    """(key, place) of every candidate of a VCF."""
    for number, record in enumerate(read_records(candidates)):
        for item in candidates_of(record, number):
            yield candidate_key(item), f"{record.contig}:{record.pos}"


def gather_evidence(paths: Sequence[Path], candidates: Path, output: Path) -> int:
    """One evidence file of chunks' evidence files; returns the number of candidates. Raises UserError unless these are the
    `candidates`, in their order.
    """
    provenances, covered, names, decisions, repeats = [], [], [], [], []
    for path in paths:
        with EvidenceReader(path) as reader:
            provenances.append(reader.attribute("provenance"))
            covered.append(reader.attribute(COVERED_BASES))
            names.append(reader.attribute(SAMPLE_NAMES))
            decisions.append(reader.attribute(DECISIONS))
            repeats.append(reader.attribute(REPEATS))
    check_made_alike(paths, provenances, OF_A_CHUNK[:1])
    for path, told in zip(paths, decisions, strict=True):
        if told != decisions[0]:
            raise UserError(f"{path} was made under other model decisions than {paths[0]}; make all chunks alike")
    for path, measured in zip(paths, repeats, strict=True):
        if measured != repeats[0]:
            raise UserError(f"{path} was made with other repeats than {paths[0]}; give collect-evidence the same files for all")
    attributes = {
        "provenance": _whole_provenance(provenances[0], candidates),
        COVERED_BASES: covered[0],
        SAMPLE_NAMES: names[0],
        **({DECISIONS: decisions[0]} if decisions[0] else {}),
        REPEATS: repeats[0],
    }
    wanted = _keys(candidates)
    total = 0
    with evidence_writer(output, attributes) as writer:
        for path in paths:
            with EvidenceReader(path) as reader:
                for start in range(0, reader.size, BLOCK):
                    part = reader.read(start, min(start + BLOCK, reader.size))
                    for found in part.key[part.joined == 0].tolist():
                        key, place = next(wanted, (None, ""))
                        _check_candidate(found == key, path, candidates, place)
                    writer.append(part)
                    total += int((part.joined == 0).sum())
        _check_complete(next(wanted, (None, ""))[1], paths, candidates)
    return total


def _check_candidate(same: bool, path: Path, candidates: Path, place: str) -> None:
    if not same:
        where = f"{candidates} has {place} there" if place else f"{candidates} has no more candidates"
        raise UserError(
            f"{path}: not the next candidates of the list: {where}; "
            "give the chunks of these candidates, each once, in their order"
        )  # fmt: skip


def _check_complete(left: str, paths: Sequence[Path], candidates: Path) -> None:
    if left:
        raise UserError(f"{paths[-1]}: chunks end before {left} of {candidates}; give all chunks")


def gather_tensors(paths: Sequence[Path], candidates: Path, output: Path) -> int:
    """One tensor file of chunks' tensor files, records numbered as in `candidates`; returns the number of candidates."""
    headers = []
    for path in paths:
        with TensorReader(path) as reader:
            headers.append(reader.header)
    check_made_alike(paths, [header.provenance for header in headers], OF_A_CHUNK[:1])
    whole = headers[0].model_copy(update={"provenance": _whole_provenance(headers[0].provenance, candidates)})
    records = (
        (record.contig, record.start, record.ref, alt, allele, number)
        for number, record in enumerate(read_records(candidates))
        for allele, alt in enumerate(record.alts or ())
    )
    contigs = list(whole.contigs)
    total = 0
    with tensor_writer(output, whole) as writer:
        for path in paths:
            with TensorReader(path) as reader:
                for part in reader.batches(BLOCK):
                    writer.append(_renumbered(part, records, contigs, path, candidates))
                    total += part.size
        for contig, start, *_ in records:
            _check_complete(f"{contig}:{start + 1}", paths, candidates)
    return total


def _renumbered(
    part: PackedTensors,
    records: Iterator[tuple[str, int, str, str, int, int]],
    contigs: Sequence[str],
    path: Path,
    candidates: Path,
) -> PackedTensors:
    """`part` with the record numbers of the whole list, checked candidate by candidate."""
    numbers = np.zeros(part.size, np.int64)
    for i in range(part.size):
        contig, start, ref, alt, allele, numbers[i] = next(records, ("", -1, "", "", -1, -1))
        found = (contigs[part.contig[i]], part.position[i], part.ref[i], part.alt[i], part.allele[i])
        _check_candidate(
            found == (contig, start, ref, alt, allele), path, candidates, f"{contig}:{start + 1}" if contig else ""
        )
    return replace(part, record=numbers)


def gather_calls(paths: Sequence[Path], output: Path) -> int:
    """One VCF of chunks' VCFs, in their order; returns the number of records. Raises UserError where they overlap."""
    headers = []
    for path in paths:
        with open_vcf(path) as handle:
            headers.append(handle.header.copy())
    _check_headers_alike(paths, headers)
    lengths = _contig_lengths(paths, headers)
    _add_up_resource(headers)
    total, finished = 0, set[str]()
    contig, position, last_path = "", -1, paths[0]
    with VcfWriter(output, headers[0], lengths) as writer:
        for path in paths:
            for record in read_records(path):
                if record.contig != contig:
                    finished.add(contig)
                    if record.contig in finished:
                        raise UserError(
                            f"{path}: contig {record.contig} was in earlier chunks; give the chunks in genome order"
                        )
                    contig, position = record.contig, -1
                elif record.start < position or (record.start == position and path != last_path):
                    raise UserError(
                        f"{path}: {record.contig}:{record.pos} does not lie after {last_path}; "
                        "give the chunks in genome order, each once"
                    )
                position, last_path = record.start, path
                writer.write(record)
                total += 1
    return total


def _add_up_resource(headers: Sequence[Any]) -> None:
    """In the first header, of how many candidates in all how many are in the germline resource."""
    lines = [[line for line in header.records if line.key == RESOURCE_LINE] for header in headers]
    if len(lines) < 2 or not all(lines):
        return
    told = [json.loads(own[0].value) for own in lines]
    whole = {name: sum(one[name] for one in told) if isinstance(value, int) else value for name, value in told[0].items()}
    lines[0][0].remove()
    headers[0].add_line(f"##{RESOURCE_LINE}={json.dumps(whole, sort_keys=True)}")


def _contig_lengths(paths: Sequence[Path], headers: Sequence[Any]) -> dict[str, int]:
    """Length of each contig that has one, bp. Raises UserError where a contig has two."""
    lengths: dict[str, int] = {}
    for path, header in zip(paths, headers, strict=True):
        for name, contig in header.contigs.items():
            if contig.length and lengths.setdefault(name, contig.length) != contig.length:
                raise UserError(
                    f"{path}: its header differs from that of an earlier chunk: contig {name} has {contig.length} bp, not "
                    f"{lengths[name]}; make all chunks alike"
                )
    return lengths


def _check_headers_alike(paths: Sequence[Path], headers: Sequence[Any]) -> None:
    """Raise UserError unless all headers have the same fields, filters and samples, contigs of one length, and were made alike.

    What varproof itself added to them for records of one chunk may differ.
    """
    described, made, scenarios = [], [], []
    for header in headers:
        own = {line.key: line.value for line in header.records if line.key.startswith(PROVENANCE_PREFIX)}
        made.append({name: value for name, value in own.items() if value and '"executable"' in value})
        scenarios.append(own.get(SCENARIO_LINE))
        fields = {
            str(line) for line in header.records if line.type not in ("GENERIC", "CONTIG") and UNDECLARED not in str(line)
        }
        described.append((fields, list(header.samples)))
    for path, (fields, samples) in zip(paths, described, strict=True):
        if samples != described[0][1]:
            raise UserError(
                f"{path} has the samples {', '.join(samples) or 'none'}, unlike {paths[0]}; gather chunks of one list"
            )
        if different := sorted(fields ^ described[0][0]):
            raise UserError(
                f"{path}: its header differs from that of {paths[0]}: {different[0].strip()}; make all chunks alike"
            )
    for path, told in zip(paths, scenarios, strict=True):
        if told != scenarios[0]:
            raise UserError(
                f"{path} was scored under another scenario than {paths[0]}, or other rates or contaminations were learnt; "
                "score all candidates at once, or give --rates scenario and contaminations"
            )
    for name in sorted(set[str]().union(*made)):
        if any(name not in lines for lines in made):
            missing = next(path for path, lines in zip(paths, made, strict=True) if name not in lines)
            raise UserError(f"{missing}: no {name.removeprefix(PROVENANCE_PREFIX)} has been there, unlike the other chunks")
        check_made_alike(paths, [lines[name] for lines in made], OF_A_CHUNK)


def gather(paths: Sequence[Path], candidates: Path | None, output: Path) -> None:
    """One file of all `paths`, given in the order of the candidates; see the functions above for what raises UserError."""
    kind = common_kind(paths)
    if kind is Kind.CALLS:
        logger.info("%d records of %d files", gather_calls(paths, output), len(paths))
        return
    if kind is Kind.PANEL:
        logger.info("a panel of %d alleles, from %d files", gather_panels(paths, output), len(paths))
        return
    if candidates is None:
        raise UserError(f"{paths[0]}: to gather {kind.value}, give the --candidates that were scattered")
    join = gather_evidence if kind is Kind.EVIDENCE else gather_tensors
    logger.info("%s of %d candidates, from %d files", kind.value, join(paths, candidates, output), len(paths))
