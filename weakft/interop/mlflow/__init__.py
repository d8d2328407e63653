"""MLflow as tracker and registry: each published run once, and the aliases where they belong.

What is in service is decided here, in `runs/aliases.json`; MLflow is told of it.
"""

from weakft.interop.mlflow.telling import CANDIDATE, Logged, Told, log_run, tell

__all__ = ["CANDIDATE", "Logged", "Told", "log_run", "tell"]
