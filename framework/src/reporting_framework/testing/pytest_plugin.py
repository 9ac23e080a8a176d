"""Fixtures for tests of plugins; pytest loads this module wherever the framework is installed, so it is cheap.

- `reporting_s3`: an S3 on loopback, of moto, to which the AWS variables of the environment lead;
- `reporting_bucket`: the name of a fresh, empty bucket in it;
- `reporting_faults`: breaks the requests that this process makes to it (`Faults`);
- `reporting_event`: a function that gives an event as AWS sends it to a function, by name, such as ``s3-put``;
- `reporting_awkward_records`: records that are awkward in some way, by what is awkward about them.
"""

from __future__ import annotations
