"""The calls of a script with datamodel-code-generator's models: python by_name.py ADDRESS SCRIPT."""

import json
import sys
from pathlib import Path

import httpx
import kobai_models as models


def called(client, row, answers):
    """Return the answer or the problem in its own type."""
    path = row["path"].format(**row.get("arguments", {}))
    if "request" not in row:
        answer = client.get(path).raise_for_status()
        return answer.json() if answer.headers["Content-Type"] == "application/json" else answer.text
    if "state_of" in row:
        row["request"]["state"] = answers[row["state_of"]]["state"]
    request = getattr(models, row["model"]).model_validate_json(json.dumps(row["request"]), strict=True)
    headers = {"Content-Type": "application/json", "X-Request-ID": row.get("request_id", "")}
    answer = client.post(path, content=request.model_dump_json(exclude_unset=True), headers=headers)
    kind = getattr(models, row["answer"]) if answer.is_success else models.Problem
    return kind.model_validate_json(answer.content).model_dump(mode="json", exclude_unset=True)


answers = {}
with httpx.Client(base_url=sys.argv[1]) as kobai:
    for each in json.loads(Path(sys.argv[2]).read_text()):
        answers[each["name"]] = called(kobai, each, answers)
sys.stdout.write(json.dumps(answers))
