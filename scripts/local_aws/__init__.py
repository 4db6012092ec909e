"""The local AWS: ministack behind one seam, with the corrections that make it behave as AWS documents.

`__main__` is the command line, `server` the server, `ministack_seam` every name of ministack that is used or replaced.
A service whose behaviour is corrected has a room, and the rooms have the same shape:

- `__init__`    which pages of AWS's it follows, what its modules are for, and `install(aws)`, which puts it to use
- `api`         its requests, validated and answered: a wrapper around ministack's handler
- `resources`   its table for IAM: what its requests are about, and what they take beside their own permission
- `store`       what it keeps in the state folder, below a folder of the room's name

and beside these a module for each thing that the service does, named for it. A room that does not need one of the four
has none. Rooms know each other through `LocalAws` only (its fields and moments), but for `iam`, whose types and
questions (`request`, `roles`, `tags`) all may use. `iam` itself is installed behind the rooms, since it reads their
tables, and `faults` last, since they come before anything else sees a request.
"""
