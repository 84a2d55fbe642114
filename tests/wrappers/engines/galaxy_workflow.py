"""Runs a workflow on a Galaxy server through its API, as a script of a user would; runs in the server's environment.

    galaxy_workflow.py URL KEY WORKFLOW.ga INPUTS.json FOLDER

INPUTS.json: label of an input -> its value, or {"path": ..., "type": Galaxy's name of the format}. Prints, as JSON, the state
of each step's job by label, and the file in FOLDER that each labelled output was downloaded to (none for those of skipped
steps).
"""

import json
import sys
from pathlib import Path

from bioblend.galaxy import GalaxyInstance


def main(url: str, key: str, workflow: Path, inputs: Path, folder: Path) -> None:
    galaxy = GalaxyInstance(url, key=key)
    imported = galaxy.workflows.import_workflow_dict(json.loads(workflow.read_text()))
    history = galaxy.histories.create_history("reads to calls")["id"]
    values = {}
    for label, value in json.loads(inputs.read_text()).items():
        if isinstance(value, dict):
            uploaded = galaxy.tools.upload_file(value["path"], history, file_type=value["type"], auto_decompress=False)
            value = {"id": uploaded["outputs"][0]["id"], "src": "hda"}
        values[label] = value
    invocation = galaxy.workflows.invoke_workflow(imported["id"], inputs=values, inputs_by="name", history_id=history)
    galaxy.invocations.wait_for_invocation(invocation["id"], maxwait=300, interval=1)
    for job in galaxy.jobs.get_jobs(invocation_id=invocation["id"]):
        galaxy.jobs.wait_for_job(job["id"], maxwait=300, interval=1)
    ended = galaxy.invocations.show_invocation(invocation["id"])
    states = {}
    for step in ended["steps"]:
        if step["job_id"]:
            states[step["workflow_step_label"]] = galaxy.jobs.show_job(step["job_id"])["state"]
    files = {}
    for label, output in ended["outputs"].items():
        dataset = galaxy.datasets.show_dataset(output["id"])
        if dataset["state"] == "ok" and dataset["file_size"]:
            files[label] = str(folder / f"{label}.{dataset['file_ext']}")
            raw = galaxy.make_get_request(f"{url}/api/datasets/{output['id']}/display", params={"raw": True})
            Path(files[label]).write_bytes(raw.content)
    print(json.dumps({"states": states, "files": files}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(Path, sys.argv[3:]))
