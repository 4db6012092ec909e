"""Which resources a call of Athena's or Glue's is about, so that a policy that names them is enforced as on AWS.

A query's operations are on its workgroup (https://docs.aws.amazon.com/athena/latest/ug/workgroups-access.html); an
operation on a table of Glue's is on the catalog, the database and the table, and needs all three
(https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html), and who deletes a database also needs
all that may be in it. Athena asks for the database `default` at every query
(https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html). And Glue leaves out a
description that nobody gave: with an empty one Trino finds no view.
"""
from __future__ import annotations

import json
from typing import Any

from local_aws.athena.execution import History
from local_aws.iam.asking import content_of, refusal

_DESCRIBED = ("GetTable", "GetTables", "GetDatabase", "GetDatabases")


def install(aws: Any, history: History) -> None:
    from ministack.core import iam_actions

    ministack_resource = iam_actions.extract_resource_arn

    def resource(service, method, path, headers, body, query_params, region, account_id):
        found = None
        if service == "athena":
            found = _athena_resource(content_of(body), region, account_id, history)
        elif service == "glue":
            found = (glue_resources(headers, content_of(body), region, account_id) or [None])[-1]
        return found or ministack_resource(service, method, path, headers, body, query_params, region, account_id)

    iam_actions.extract_resource_arn = resource
    aws.wrap("glue", glue_handler)
    aws.wrap("athena", athena_handler)


def _athena_resource(content: dict, region: str, account: str, history: History) -> str | None:
    workgroup = content.get("WorkGroup") or content.get("WorkGroupName")
    query = content.get("QueryExecutionId") or next(iter(content.get("QueryExecutionIds") or []), None)
    if query:
        found = history.find(query, (account, region))
        workgroup = found.record["WorkGroup"] if found else None
    elif not workgroup and isinstance(content.get("Configuration"), dict):
        workgroup = content.get("Name")  # CreateWorkGroup
    elif not workgroup and "QueryString" in content:
        workgroup = "primary"
    if workgroup:
        return f"arn:aws:athena:{region}:{account}:workgroup/{workgroup}"
    return content.get("ResourceARN")


def glue_resources(headers: dict, content: dict, region: str, account: str) -> list[str]:
    """The ARNs that an operation on Glue's catalog is about, what it names last; [] for another operation."""
    action = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
    base = f"arn:aws:glue:{region}:{account}:"
    if "Database" in action:
        name = content.get("Name") or (content.get("DatabaseInput") or {}).get("Name")
        if action == "GetDatabases":
            return [f"{base}catalog"]
        inside = [f"{base}table/{name}/*", f"{base}userDefinedFunction/{name}/*"] if action == "DeleteDatabase" else []
        return [f"{base}catalog", *inside, f"{base}database/{name}"] if name else []
    if "Table" in action or "Partition" in action:
        database = content.get("DatabaseName")
        table = content.get("TableName") or content.get("Name") or (content.get("TableInput") or {}).get("Name")
        if action == "GetTables":
            table = "*"
        if database and table:
            return [f"{base}catalog", f"{base}database/{database}", f"{base}table/{database}/{table}"]
    return []


def athena_handler(inner):
    """Athena's handler, which first asks whether the caller may look at Glue's database `default`."""
    from ministack.core.responses import get_account_id
    from ministack.core.router import extract_region

    async def handle(method, path, headers, body, query_params):
        if headers.get("x-amz-target", "").endswith(".StartQueryExecution"):
            base = f"arn:aws:glue:{extract_region(headers, query_params)}:{get_account_id()}:"
            for arn in (f"{base}catalog", f"{base}database/default"):
                if refused := refusal(headers, query_params, "glue:GetDatabase", arn, "athena"):
                    return refused
        return await inner(method, path, headers, body, query_params)

    return handle


def glue_handler(inner):
    """Glue's handler: the other resources are checked too, and empty descriptions left out."""
    from ministack.core.responses import get_account_id
    from ministack.core.router import extract_region

    async def handle(method, path, headers, body, query_params):
        action = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
        region = extract_region(headers, query_params)
        for arn in glue_resources(headers, content_of(body), region, get_account_id())[:-1]:
            if refused := refusal(headers, query_params, f"glue:{action}", arn):
                return refused
        status, answered, content = await inner(method, path, headers, body, query_params)
        if status == 200 and action in _DESCRIBED and b'"Description": ""' in content:
            answer = json.loads(content)
            for one in [*answer.get("TableList", ()), *answer.get("DatabaseList", ()),
                        *filter(None, (answer.get("Table"), answer.get("Database")))]:
                if not one.get("Description"):
                    one.pop("Description", None)
            content = json.dumps(answer).encode()
            answered = {name: value for name, value in answered.items() if name.lower() != "content-length"}
        return status, answered, content

    return handle
