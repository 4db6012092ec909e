"""The notebooks go on where AWS takes its time, as its documentation allows: what is there already is not known yet,
what is gone is listed still, and what is about to be is in use."""
from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient

import workbook

NOTEBOOKS = Path(workbook.__file__).parent


def outputs(number: str, rules: str = "") -> dict[str, str]:
    """What a notebook's cells print, by their ids, when AWS answers by these rules."""
    (path,) = NOTEBOOKS.glob(f"{number}_*.ipynb")
    notebook = nbformat.read(path, 4)
    if rules:
        place = next(place for place, cell in enumerate(notebook.cells) if cell.id == "connect") + 1
        notebook.cells.insert(place, nbformat.v4.new_code_cell(
            f"import slow_answers\nslow = slow_answers.install(session, {rules!r})"))
        notebook.cells.append(nbformat.v4.new_code_cell("print(slow.unused())", id="unused"))
    NotebookClient(notebook, kernel_name="python3", timeout=300,
                   resources={"metadata": {"path": str(NOTEBOOKS)}}).execute()
    return {cell.id: "".join(output.get("text", "") for output in cell.outputs)
            for cell in notebook.cells if cell.cell_type == "code"}


def test_a_walk_through_slow_answers(fresh_aws, monkeypatch):
    aws = fresh_aws()
    for name, value in {"AUDIT_TARGET": "local", "AUDIT_LOCAL_PORT": str(aws.port), "AUDIT_LOCAL_STATE": str(aws.state),
                        "PYTHONPATH": str(Path(__file__).parent)}.items():
        monkeypatch.setenv(name, value)
    assert outputs("01", "01")["unused"] == "[]\n"
    outputs("02")
    told = outputs("03", "03")
    assert told["unused"] == "[]\n"
    again = outputs("03", "03, a day later")
    assert again["unused"] == "[]\n" and again["show-records"] == told["show-records"]
    stream = aws.client("dynamodb").describe_table(TableName="Orders")["Table"]["LatestStreamArn"]
    streams = aws.client("dynamodbstreams")
    shards = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
    records = streams.get_records(ShardIterator=streams.get_shard_iterator(
        StreamArn=stream, ShardId=shards[0]["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"])["Records"]
    happened = {order_id: [record["eventName"] for record in records
                           if record["dynamodb"]["Keys"]["orderId"]["S"] == order_id] for order_id in ("101", "102")}
    life = ["INSERT", "MODIFY", "MODIFY", "MODIFY"]  # the orders live anew, so that Part 4 has five changes to deliver
    assert happened == {"101": ["MODIFY"] * 3, "102": [*life, "REMOVE", *life]}
    assert outputs("04", "04")["unused"] == "[]\n"
    gone = outputs("99", "99")
    assert gone["unused"] == "[]\n" and gone["no-roles"] == "Roles left: []\n"
    assert outputs("99")["no-roles"] == "Roles left: []\n"
