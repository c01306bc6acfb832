"""Shows the ids of all endpoints, which takes the Java program of AWS's guide some 150 lines.

    python examples/list_endpoint_ids.py

Here the audience is in memory. The hosted service cannot be asked directly: with
`ids(export_to="s3://BUCKET/PREFIX", role_arn=ROLE)` the same loop runs an export job, reads its
files and deletes them, as the guide's program does.
"""

import pinpoint_kit as pk

with pk.connect("sqlite://", application="shop") as pinpoint:
    pinpoint.endpoints.update_many(pk.Endpoint(id=f"example_endpoint_{n}") for n in (1, 2, 3))
    print("Endpoint IDs:")
    for endpoint_id in pinpoint.endpoints.ids():
        print(f"\t- {endpoint_id}")
