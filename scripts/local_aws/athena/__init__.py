"""The local AWS's Athena: one front that behaves as Athena's API does, and two engines behind one small interface.

`front` takes the API's operations over, `ddl` does on Glue what Athena itself does there, `engine` is the interface
that `on_duckdb` and `on_trino` implement, `catalog` is all that an engine may know of the world (with the
caller's permissions), and `text` is the one place that says how a value reads in a result.
"""


def install(aws) -> None:
    from local_aws.athena.front import install as take_over  # here, so that an engine can be imported without the front

    take_over(aws)
