"""What calls of Athena's and of Glue's catalog are about.

A query's operations are on its workgroup (https://docs.aws.amazon.com/athena/latest/ug/workgroups-access.html); an
operation on a table of Glue's is on the catalog, the database and the table, and needs all three
(https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html), and who deletes a database also needs
all that may be in it. Athena asks for the database `default` at every query
(https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html).
"""
from __future__ import annotations

from local_aws.athena.store import History
from local_aws.iam.request import Needed, Request, Resources


def workgroups(history: History) -> Resources:
    """Athena's table; `history` knows the workgroup of each query."""

    def workgroup(request: Request) -> list[str]:
        content = request.content
        name = content.get("WorkGroup") or content.get("WorkGroupName")
        query = content.get("QueryExecutionId") or next(iter(content.get("QueryExecutionIds") or []), None)
        if query:
            found = history.find(query, (request.account, request.region))
            name = found.record["WorkGroup"] if found else None
        elif not name and isinstance(content.get("Configuration"), dict):
            name = content.get("Name")  # CreateWorkGroup
        elif not name and "QueryString" in content:
            name = "primary"
        if name:
            return [request.arn(f"workgroup/{name}")]
        return [content["ResourceARN"]] if content.get("ResourceARN") else []

    return Resources("athena", arns={"*": workgroup}, tagged={"athena:CreateWorkGroup": "athena:TagResource"},
                     more=database_default)


def database_default(request: Request) -> list[Needed]:
    """What every query asks of Glue."""
    if request.action != "athena:StartQueryExecution":
        return []
    return [Needed("glue:GetDatabase", request.arn(name, "glue")) for name in ("catalog", "database/default")]


def in_catalog(request: Request) -> list[str]:
    """The ARNs that an operation on Glue's catalog is about, what it names last; [] for another operation."""
    operation, content = request.action.partition(":")[2], request.content
    catalog = request.arn("catalog")
    if "Database" in operation:
        name = content.get("Name") or (content.get("DatabaseInput") or {}).get("Name")
        if operation == "GetDatabases":
            return [catalog]
        inside = [request.arn(f"table/{name}/*"), request.arn(f"userDefinedFunction/{name}/*")]
        return [catalog, *(inside if operation == "DeleteDatabase" else []),
                request.arn(f"database/{name}")] if name else []
    if "Table" in operation or "Partition" in operation:
        database = content.get("DatabaseName")
        table = content.get("TableName") or content.get("Name") or (content.get("TableInput") or {}).get("Name")
        if operation == "GetTables":
            table = "*"
        if database and table:
            return [catalog, request.arn(f"database/{database}"), request.arn(f"table/{database}/{table}")]
    return []


CATALOG = Resources("glue", arns={"*": in_catalog}, tagged={"glue:CreateDatabase": "glue:TagResource"})
