"""Runs tools one after the other on a Galaxy server through its API, as a script of a user would; in the server's environment.

    galaxy_tools.py URL KEY STEPS.json FOLDER

STEPS.json: "uploads", name -> {"path": ..., "type": Galaxy's name of the format}, and "steps", a list of {"name", "tool",
"inputs"}: inputs by Galaxy's names ("samples|mode"), of which {"data": NAME} is an upload or, as STEP.OUTPUT, what a step has
made. Prints, as JSON, for each step the state of its job, what it said, and the file in FOLDER of each output.
"""

import json
import sys
from pathlib import Path
from typing import Any

from bioblend.galaxy import GalaxyInstance


def main(url: str, key: str, plan: Path, folder: Path) -> None:
    galaxy = GalaxyInstance(url, key=key)
    asked = json.loads(plan.read_text())
    history = galaxy.histories.create_history("a caller's file")["id"]
    datasets = {}
    for name, upload in asked["uploads"].items():
        sent = galaxy.tools.upload_file(upload["path"], history, file_type=upload["type"], auto_decompress=False)
        datasets[name] = sent["outputs"][0]["id"]
    told: dict[str, Any] = {}
    for step in asked["steps"]:
        inputs = {
            name: {"src": "hda", "id": datasets[value["data"]]} if isinstance(value, dict) else value
            for name, value in step["inputs"].items()
        }
        run = galaxy.tools.run_tool(history, step["tool"], inputs)
        job = galaxy.jobs.wait_for_job(run["jobs"][0]["id"], maxwait=300, interval=0.5, check=False)
        shown = galaxy.jobs.show_job(job["id"], full_details=True)
        files = {}
        for output in run["outputs"]:
            name = output["output_name"]
            datasets[f"{step['name']}.{name}"] = output["id"]
            raw = galaxy.make_get_request(f"{url}/api/datasets/{output['id']}/display", params={"raw": True})
            files[name] = str(folder / f"{step['name']}.{name}")
            Path(files[name]).write_bytes(raw.content)
        told[step["name"]] = {"state": job["state"], "stderr": shown.get("stderr", ""), "files": files}
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(Path, sys.argv[3:]))
